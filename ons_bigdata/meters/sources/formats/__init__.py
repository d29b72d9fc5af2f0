"""Formats of files of readings: how each is recognised by its beginning, its options and its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ons_bigdata.meters.sources.formats import half_hour_columns, interval_csv
from ons_bigdata.meters.sources.formats.cer import is_cer, read_cer
from ons_bigdata.meters.sources.formats.clocks import Clock
from ons_bigdata.meters.sources.formats.delimited import header_names, read_delimited
from ons_bigdata.meters.sources.formats.lcl import CLOCKS, lcl_layout
from ons_bigdata.meters.sources.formats.nem12 import is_nem12, lacks_header, read_nem12
from ons_bigdata.meters.sources.formats.rows import Readings, unknown_name
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.lines import ByteStream

Options = Mapping[str, object]
ReadStream = Callable[[ByteStream], Iterator[Readings]]
"""Rows of a file from its beginning, a part at a time. Never raises for any content."""


@dataclass(frozen=True)
class Format:
    """A format of files of readings."""

    name: str
    expected: str
    """Form of its lines, for messages."""
    options: tuple[str, ...]
    """Names of the options of `open`."""
    open: Callable[[str, bytes, Options], ReadStream | None]
    """(file name, beginning, options) -> the reader of the file; None for a file of another format.

    Raises InputError for an option with another value than those that are known.
    """


def _open_cer(_name: str, head: bytes, _options: Options) -> ReadStream | None:
    return read_cer if is_cer(head) else None


def _open_lcl(name: str, head: bytes, options: Options) -> ReadStream | None:
    clock = options.get("clock", "gmt")
    if clock not in CLOCKS:
        raise unknown_name(str(clock), list(CLOCKS), what="clock of a Low Carbon London file")
    layout = lcl_layout(name, head)
    if layout is None:
        return None
    return partial(read_delimited, layout=layout, clock=Clock(CLOCKS[str(clock)]))


def _open_nem12(_name: str, head: bytes, _options: Options) -> ReadStream | None:
    return read_nem12 if is_nem12(head) else None


def _open_csv(_name: str, head: bytes, options: Options) -> ReadStream | None:
    zone = _zone(options)
    if (layout := interval_csv.hdf_layout(head)) is not None:
        return partial(read_delimited, layout=layout, clock=Clock(zone or interval_csv.HDF_ZONE))
    if (days := half_hour_columns.day_layout(head)) is not None:
        return partial(half_hour_columns.read_days, layout=days, zone=zone or half_hour_columns.ZONE)
    if (layout := interval_csv.generic_layout(head, _columns(options))) is not None:
        return partial(read_delimited, layout=layout, clock=None if zone is None else Clock(zone))
    return None


def _zone(options: Options) -> str | None:
    """Zone of times without offset by the options `clock` and `timezone`; None where neither is given."""
    clock, zone = options.get("clock"), options.get("timezone")
    if clock not in (None, "utc", "local"):
        raise unknown_name(str(clock), ["utc", "local"], what="clock of a CSV")
    if clock == "utc":
        if zone is not None:
            raise InputError(f"clock 'utc' with timezone {zone!r}; expected clock 'local' with it, or none")
        return "UTC"
    if zone is None:
        if clock == "local":
            raise InputError("clock 'local' without timezone; expected a name such as Europe/London")
        return None
    try:
        return ZoneInfo(str(zone)).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"timezone {zone!r} is not known; expected a name such as Europe/London") from error


def _columns(options: Options) -> dict[str, str]:
    """Names of the file's columns by those of the generic CSV, from the option `columns`."""
    columns = options.get("columns") or {}
    if not isinstance(columns, dict) or not all(isinstance(name, str) for pair in columns.items() for name in pair):
        raise InputError(f"columns {columns!r}; expected names of the file by those of the generic CSV")
    for column in columns:
        if column not in interval_csv.COLUMNS:
            raise unknown_name(column, interval_csv.COLUMNS, what="column of the generic CSV")
    return columns


FORMATS = (
    Format("cer", "rows `meter code kWh` separated by spaces, such as `1392 19503 0.14`", (), _open_cer),
    Format(
        "lcl",
        "a header `LCLid,stdorToU,DateTime,KWH/hh (per half hour) ` or `LCLid,tstp,energy(kWh/hh)`",
        ("clock",),
        _open_lcl,
    ),
    Format("nem12", "a first record `100,NEM12,…`", (), _open_nem12),
    Format(
        "csv",
        "a header with meter, kwh and started_at or ended_at; with a meter (mpan), a date and 48 columns of half hours;"
        " or that of an HDF file of ESB Networks",
        ("clock", "timezone", "columns"),
        _open_csv,
    ),
)
"""Formats, in the order in which they are tried; no file is of two of them."""

BY_NAME = {one.name: one for one in FORMATS}

NO_NEM12_HEADER = "records of NEM12 or NEM13 without the header record 100 before them"


def open_format(name: str, head: bytes) -> tuple[Format, ReadStream] | None:
    """Format and reader of a file by its name and beginning, without options; None for no known format."""
    for one in FORMATS:
        read = one.open(name, head, {})
        if read is not None:
            return one, read
    return None


def _hint(head: bytes) -> str:
    """Difference between a beginning and a known format, for a message, without content; empty without any."""
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    if b"\0" in head:
        return "found bytes that are no text"
    if b"\r" in head and b"\n" not in head and open_format("", head.replace(b"\r", b"\n")) is not None:
        return "found lines that end with CR alone, expected LF or CR LF"
    line = head.split(b"\n", 1)[0]
    for separator, name in ((b";", "semicolons"), (b"\t", "tabs")):
        if separator in line and open_format("", head.replace(separator, b",")) is not None:
            return f"found fields separated by {name}, expected commas"
    return _hint_of_rows(head) or _hint_of_header(head, line)


_MAGIC = {
    b"PK\x03\x04": "found a zip archive in an archive or without the ending .zip: unpack it or rename it",
    b"\x1f\x8b": "found packed bytes (gzip) without the ending .gz: rename the file",
    b"\xff\xfe": "found text in UTF-16, expected UTF-8",
    b"\xfe\xff": "found text in UTF-16, expected UTF-8",
}
"""First bytes of files that are no text in UTF-8 -> what is wrong with them."""


def _hint_of_rows(head: bytes) -> str:
    """Difference from the format `cer`, which has no header."""
    for separator, name in ((b";", "semicolons"), (b"\t", "tabs"), (b",", "commas")):
        if is_cer(head.replace(separator, b" ")):
            return f"found fields separated by {name}, expected blanks"
    if is_cer(re.sub(rb" +", b" ", head.lstrip(b" "))):
        return "found several blanks between fields or at the begin, expected one between fields"
    if is_cer(re.sub(rb"(?<=[0-9]),(?=[0-9])", b".", head)):
        return "found a decimal comma, expected a point"
    return ""


def _hint_of_header(head: bytes, line: bytes) -> str:
    """Difference of the header, or of what stands before it."""
    if open_format("", line.lower() + b"\n") is not None:
        return "found names of columns with capitals, expected small letters"
    rest = head.partition(b"\n")[2]
    if open_format("", rest.lstrip(b"\r\n")) is not None:
        return "found a line before the header or the first row, expected none"
    names = header_names(line + b"\n")
    if open_format("", ",".join(dict.fromkeys(names)).encode() + b"\n") is not None:
        return "found a column that stands in the header twice"
    return ""


def unknown_content(head: bytes) -> str:
    """Reason against a file of no known format: the difference from the nearest, or what the formats look like."""
    if not head.strip():
        return "no bytes"
    if lacks_header(head):
        return NO_NEM12_HEADER
    return _hint(head) or "expected " + "; ".join(f"{one.name}: {one.expected}" for one in FORMATS)
