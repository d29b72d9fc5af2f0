"""The extent of a workbook (.xlsx), measured before it is read.

A distant cell makes a reader allocate a large grid, and a long text that many cells share is copied for each.
"""

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

MOST_CHARACTERS = 1 << 31
"""Bound on cells with a shared text × length of the longest one."""

_CHUNK = 1 << 20
_CELL = re.compile(r"([A-Za-z]{1,7})([0-9]{1,12})\Z")
_NOT_XML = frozenset((".bin", ".bmp", ".emf", ".gif", ".ico", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".vml", ".wmf"))
"""Extensions of members that are not parsed, such as images; the workbook must not name one of them as a sheet."""
_RELATIONSHIPS = "xl/_rels/workbook.xml.rels"


class _ExtentError(Exception):
    """A workbook that must not be read."""


def is_workbook(content: bytes) -> bool:
    """True if a file is a zip archive, as an .xlsx workbook is."""
    return content.startswith(b"PK\x03\x04")


def workbook_fault(content: bytes) -> str | None:
    """Reason for which the bytes must not be passed to a reader of workbooks; None where they may be.

    Refused are: files that are not .xlsx, members that unpack to more than MOST_UNPACKED_BYTES, members that are not
    well-formed XML (but images and their like), a document type, a sheet whose last row times last column is above
    MOST_CELLS, whatever number of cells it really has, and shared texts above MOST_CHARACTERS.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _require_extent(archive)
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


def _require_extent(archive: zipfile.ZipFile) -> None:
    """Raise _ExtentError for an archive that is no workbook or whose contents reach too far."""
    members = archive.infolist()
    names = {member.filename.lower() for member in members}
    if "xl/workbook.xml" not in names or names & {"xl/workbook.bin", "content.xml"}:
        raise _ExtentError("not an .xlsx workbook")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED_BYTES:
        raise _ExtentError(f"unpacks to {unpacked} bytes; expected at most {MOST_UNPACKED_BYTES}")
    sharing_cells = longest = 0
    for member in members:
        if member.filename.lower().endswith((*_NOT_XML, "/")):
            continue
        extent = _measure(archive, member)
        sharing_cells, longest = sharing_cells + extent.sharing_cells, max(longest, extent.longest)
        if member.filename.lower() == _RELATIONSHIPS:
            for target in sorted(extent.targets):
                if target.endswith(tuple(_NOT_XML)):
                    raise _ExtentError(f"names {target[:100]!r} as a part of the workbook")
    if sharing_cells * longest > MOST_CHARACTERS:
        raise _ExtentError(
            f"{sharing_cells} cells with texts of up to {longest} characters: more than {MOST_CHARACTERS}"
        )


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Extent:
    """Parse a member and raise _ExtentError as soon as its rows and cells reach too far."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    extent = _Extent(member.filename, parser)
    parser.StartElementHandler = extent.start
    parser.StartDoctypeDeclHandler = extent.refuse_document_type
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    return extent


class _Extent:
    """Last row and column so far: by the references, and by counting where an element has none; parts and texts."""

    def __init__(self, member: str, parser: expat.XMLParserType) -> None:
        self.member, self.parser = member, parser
        self.row = self.column = self.rows = self.columns = 0
        self.targets: set[str] = set()
        self.sharing_cells = self.longest = self._length = 0

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
            self.sharing_cells += attributes.get("t") == "s"
        else:
            if name == "Relationship":
                self.targets.add(attributes.get("Target", "").strip().lower())
            elif name == "sst":
                self.parser.CharacterDataHandler = self.text
            elif name == "si":
                self._length = 0
            return
        self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)
        if self.rows * self.columns > MOST_CELLS:
            raise _ExtentError(
                f"{self.member} reaches to row {self.rows} and column {self.columns}: more than {MOST_CELLS} cells"
            )

    def text(self, text: str) -> None:
        """Add to the length of the present shared text."""
        self._length += len(text)
        self.longest = max(self.longest, self._length)

    def refuse_document_type(self, *_: object) -> None:
        raise _ExtentError(f"{self.member} declares a document type")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
