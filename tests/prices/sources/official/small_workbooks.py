"""Workbooks (.xlsx) as small as a reader takes them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


def write_workbook(
    rows: list[list[str]],
    *,
    sheet: str | None = None,
    document_type: str = "",
    encoding: str = "UTF-8",
    sheet_part: str = "worksheets/sheet1.xml",
    parts: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a minimal .xlsx: one sheet, numbers as numbers and the rest as inline text; `parts` as they are."""

    def cell(value: str) -> str:
        try:
            return f"<c><v>{float(value)}</v></c>" if "." in value else f"<c><v>{int(value)}</v></c>"
        except ValueError:
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    sheet = sheet or "".join(f"<row>{''.join(cell(value) for value in row)}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    texts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/worksheet" '
            f'Target="{sheet_part}"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
        for name, text in texts.items():
            if name in (parts or {}):
                continue
            archive.writestr(name, f'<?xml version="1.0" encoding="{encoding}"?>{document_type}{text}')
    return out.getvalue()
