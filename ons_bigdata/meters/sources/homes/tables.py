"""Small tables of homes as text: CSV with quotes and stray columns, and workbooks."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.tables.workbooks import is_workbook, workbook_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class TextRows:
    """Rows of a table below its header, as text without outer blanks."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    """Line and fields; trailing empty rows are left out."""


def first_names(head: bytes) -> list[str]:
    """Names of the header of a CSV by its beginning, without outer blanks; none for other content."""
    text = head.removeprefix(b"\xef\xbb\xbf").decode("cp1252", errors="replace")
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(text, newline="")), [])]
    except csv.Error:
        return []


def read_rows(content: bytes) -> TextRows:
    """Read a CSV or the first sheet of a workbook. Raises InputError where it cannot be read.

    Texts of headers may have letters beyond ASCII in Windows' encoding, which are not used.
    """
    return _workbook(content) if is_workbook(content) else _csv(content)


def _csv(content: bytes) -> TextRows:
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    rows: list[tuple[int, list[str]]] = []
    begin = 1
    try:
        for fields in reader:
            rows.append((begin, [field.strip() for field in fields]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"line {begin}: no CSV: {error}") from error
    return _table(rows)


def _workbook(content: bytes) -> TextRows:
    if fault := workbook_fault(content):
        raise InputError(fault)
    try:
        sheet = pl.read_excel(
            io.BytesIO(content), engine="calamine", infer_schema_length=0, has_header=False, drop_empty_rows=False
        )
    except Exception as error:  # the engine's errors have no common class
        raise InputError(f"not a workbook that can be read: {type(error).__name__}") from error
    texts = sheet.cast(pl.String).fill_null("")
    return _table([(line, [text.strip() for text in row]) for line, row in enumerate(texts.iter_rows(), 1)])


def _table(rows: Sequence[tuple[int, list[str]]]) -> TextRows:
    kept = list(rows)
    while kept and not any(kept[-1][1]):
        kept.pop()
    if not kept:
        raise InputError("no header")
    return TextRows(kept[0][1], kept[1:])
