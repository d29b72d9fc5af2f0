"""The extent of a workbook (.xlsx), measured before it is read: a distant cell makes a reader allocate a large grid."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CELLS = 10_000_000
"""Bound on rows × columns of any sheet; a year of the office's largest tables has a tenth of it."""

MOST_UNPACKED_BYTES = 256 * 1024 * 1024
"""Bound on the unpacked members of a workbook."""

_CHUNK = 1 << 20
_CELL = re.compile(r"([A-Za-z]{1,7})([0-9]{1,12})\Z")
_MARKUP = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class _ExtentError(Exception):
    """A workbook that must not be read."""


def is_workbook(content: bytes) -> bool:
    """True if a file is a zip archive, as an .xlsx workbook is."""
    return content.startswith(b"PK\x03\x04")


def workbook_fault(content: bytes) -> str | None:
    """Reason for which the bytes must not be passed to a reader of workbooks; None where they may be.

    Refused are: files that are not .xlsx, members that unpack to more than MOST_UNPACKED_BYTES, a document type,
    and a sheet whose last row times last column is above MOST_CELLS, whatever number of cells it really has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            names = {member.filename.lower() for member in members}
            if "xl/workbook.xml" not in names or names & {"xl/workbook.bin", "content.xml"}:
                return "not an .xlsx workbook"
            unpacked = sum(member.file_size for member in members)
            if unpacked > MOST_UNPACKED_BYTES:
                return f"unpacks to {unpacked} bytes; expected at most {MOST_UNPACKED_BYTES}"
            for member in members:
                _measure(archive, member)
    except _ExtentError as error:
        return str(error)
    except (
        zipfile.BadZipFile,
        expat.ExpatError,
        EOFError,
        LookupError,  # an unknown encoding
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        return f"not a workbook that can be read: {error}"
    return None


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Parse a member that is XML and raise _ExtentError as soon as its rows and cells reach too far."""
    extent = _Extent(member.filename)
    parser = expat.ParserCreate()
    parser.StartElementHandler = extent.start
    parser.StartDoctypeDeclHandler = extent.refuse_document_type
    with archive.open(member) as file:
        chunk = file.read(_CHUNK)
        if not chunk.lstrip().startswith(_MARKUP):
            return  # such as an image
        while chunk:
            parser.Parse(chunk, False)
            chunk = file.read(_CHUNK)
        parser.Parse(b"", True)


class _Extent:
    """Last row and column so far: by the references, and by counting where an element has none."""

    def __init__(self, member: str) -> None:
        self.member = member
        self.row = self.column = self.rows = self.columns = 0

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        name = element.rsplit(":", 1)[-1]
        if name == "row":
            reference = attributes.get("r", "")
            self.row = int(reference) if re.fullmatch("[0-9]{1,12}", reference) else self.row + 1
            self.column = 0
        elif name == "c":
            cell = _CELL.match(attributes.get("r", ""))
            self.column = _column_number(cell[1]) if cell else self.column + 1
            self.row = int(cell[2]) if cell else self.row
        else:
            return
        self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)
        if self.rows * self.columns > MOST_CELLS:
            raise _ExtentError(
                f"{self.member} reaches to row {self.rows} and column {self.columns}: more than {MOST_CELLS} cells"
            )

    def refuse_document_type(self, *_: object) -> None:
        raise _ExtentError(f"{self.member} declares a document type")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
