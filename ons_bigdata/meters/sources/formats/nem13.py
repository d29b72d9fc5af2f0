"""Format `nem13`: accumulated reads of the Australian market (AEMO, Meter Data File Format, NEM13).

A record 250 has two reads of a register and the energy between them: no half hours, so that they have a frame of
their own. Times are UTC+10 all year. Each register is a meter, `NMI/suffix`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.sources.formats.nem12 import MARKET_TIME
from ons_bigdata.meters.sources.formats.rows import INSTANT, LONGEST_CODE, NOT_UTF8, NUMBER, TOO_LONG, Readings
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.lines import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.platform.ingest.lines import ByteStream

ACCUMULATION_COLUMNS: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "meter": pl.String(),
    "started_at": INSTANT,
    "ended_at": INSTANT,
    "kwh": pl.Float64(),
    "previous_read": pl.Float64(),
    "current_read": pl.Float64(),
    "previous_flag": pl.String(),
    "flag": pl.String(),
    "is_export": pl.Boolean(),
}
"""Columns of accepted rows: energy between two reads of a register."""

NO_HEADER = "record before any header record 100"
AFTER_END = "record after the end record 900"
NO_END = "no end record 900 at the end: the file may be cut short"
OTHER_HEADER = "header record 100 of another format than NEM13"
UNKNOWN_RECORD = "record of a type other than 100, 250, 550, 900"
OTHER_FIELDS = "record 250 with another number of fields than 22 or 23"
NO_METER = "record 250 without meter or suffix"
NO_DIRECTION = "record 250 whose direction is neither E (from the grid) nor I (into the grid)"
NO_TIME = "record 250 without the times of its two reads, YYYYMMDDhhmmss"
NO_ORDER = "record 250 whose reads are not one after the other"
NO_QUALITY = "record 250 without the quality flags of its two reads"
NO_NUMBER = "record 250 whose reads or quantity are no numbers"
NOT_ENERGY = "unit other than of active energy"

_UNITS = {"WH": 0.001, "KWH": 1.0, "MWH": 1000.0}
_QUALITY = re.compile(r"[AEFNS][0-9]{0,2}")
_TIME = re.compile(r"[0-9]{14}")
_NUMBER = re.compile(NUMBER)
_METER = re.compile(r"[!-+\--.0-~]{1,32}")
_HEADER = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*100 *, *NEM13", re.IGNORECASE)
_MOST_ROWS = 50_000


def is_nem13(head: bytes) -> bool:
    """True if a file begins with the header record, after blank lines or not."""
    return _HEADER.match(head) is not None


def read_nem13(stream: ByteStream) -> Iterator[Readings]:
    """Rows of a file (ACCUMULATION_COLUMNS); a row is a record 250, or one that does not belong to the format."""
    reader = _Reader()
    for block in read_blocks(stream):
        for number, line in enumerate(block.lines, block.first_line):
            reader.take(number, b"" if number in block.too_long else line, is_too_long=number in block.too_long)
        if len(reader.accepted) + len(reader.quarantined) >= _MOST_ROWS:
            yield reader.taken()
    reader.end()
    yield reader.taken()


class _Reader:
    """State of a file: whether its header has come, and rows that were not yet taken."""

    def __init__(self) -> None:
        self.accepted: list[tuple[object, ...]] = []
        self.quarantined: list[tuple[int, str]] = []
        self._is_open = self._has_ended = False
        self._last = 0

    def take(self, number: int, line: bytes, *, is_too_long: bool) -> None:
        """Read a line."""
        self._last = number
        try:
            fields = [value.strip(" ") for value in line.decode().strip(" \t\r").split(",")]
        except UnicodeDecodeError:
            self.quarantined.append((number, NOT_UTF8))
            return
        if is_too_long:
            self.quarantined.append((number, TOO_LONG))
        elif fields != [""]:
            row = self._record(number, fields)
            if isinstance(row, str):
                self.quarantined.append((number, row))
            elif row is not None:
                self.accepted.append(row)

    def end(self) -> None:
        """End the file."""
        if self._is_open:
            self.quarantined.append((self._last, NO_END))

    def taken(self) -> Readings:
        """Rows since the last call."""
        rows = Readings(
            pl.DataFrame(self.accepted, schema=ACCUMULATION_COLUMNS, orient="row"),
            pl.DataFrame(self.quarantined, schema=BULK_QUARANTINE_SCHEMA, orient="row"),
        )
        self.accepted, self.quarantined = [], []
        return rows

    def _record(self, number: int, fields: list[str]) -> tuple[object, ...] | str | None:
        """Row of a record, the reason against it, or nothing for a record without energy."""
        record = fields[0]
        if record == "100":
            self._is_open, self._has_ended = fields[1:2] != [] and fields[1].upper() == "NEM13", False
            return None if self._is_open else OTHER_HEADER
        if record == "900":
            self._is_open, self._has_ended = False, True
            return None
        if not self._is_open:
            return AFTER_END if self._has_ended else NO_HEADER
        if record == "250":
            return _row(number, fields)
        return None if record == "550" else UNKNOWN_RECORD


def _row(number: int, fields: list[str]) -> tuple[object, ...] | str:
    """Row of a record 250, or the reason against it."""
    if len(fields) not in (22, 23):
        return OTHER_FIELDS
    nmi, suffix, direction, unit = fields[1], fields[4], fields[7].upper(), fields[19].upper()
    reads = (fields[8], fields[13], fields[18])
    flags = (fields[10], fields[15])
    start, end = _instant(fields[9]), _instant(fields[14])
    rules = {
        NO_METER: not _METER.fullmatch(nmi) or not re.fullmatch("[A-Za-z0-9]{1,4}", suffix),
        NOT_ENERGY: unit not in _UNITS,
        NO_DIRECTION: direction not in ("E", "I"),
        NO_TIME: start is None or end is None,
        NO_ORDER: start is not None and end is not None and start >= end,
        NO_QUALITY: not all(map(_QUALITY.fullmatch, flags)),
        NO_NUMBER: not all(_NUMBER.fullmatch(text) and len(text) <= LONGEST_CODE for text in reads),
    }
    for reason, is_so in rules.items():
        if is_so:
            return reason
    previous, current, quantity = map(float, reads)
    meter, kwh = f"{nmi}/{suffix}", quantity * _UNITS[unit]
    return number, meter, start, end, kwh, previous, current, flags[0][0], flags[1][0], direction == "I"


def _instant(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        time = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=MARKET_TIME)
    except ValueError:
        return None
    return time if 1970 < time.year < 2200 else None
