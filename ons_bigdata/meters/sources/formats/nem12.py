"""Format `nem12`: interval readings of the Australian market (AEMO, Meter Data File Format, NEM12).

Records: 100 header, 200 register with unit and interval length, 300 day with its values and quality flag, 400 flags of
ranges of intervals of a 300 record whose flag is V, 500 details of a read, 900 end. Times are UTC+10 all year. A
register is a meter, `NMI/suffix`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.sources.formats.rows import (
    INSTANT,
    LONGEST_CODE,
    NOT_UTF8,
    NUMBER,
    READING_COLUMNS,
    TOO_LONG,
    Readings,
)
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.lines import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.platform.ingest.lines import ByteStream

MARKET_TIME = timezone(timedelta(hours=10))

NO_HEADER = "record before any header record 100"
AFTER_END = "record after the end record 900"
NO_END = "no end record 900 at the end: the file may be cut short"
OTHER_HEADER = "header record 100 of another format than NEM12"
UNKNOWN_RECORD = "record of a type other than 100, 200, 300, 400, 500, 900"
NO_REGISTER = "record 300 before any record 200"
BROKEN_REGISTER = "record 300 below a record 200 that cannot be read"
BAD_REGISTER = "record 200 without meter, suffix, unit or interval length of 5, 15 or 30 minutes"
NOT_ENERGY = "unit other than of active energy"
NO_DIRECTION = "register that is neither consumption (E) nor export (B)"
NO_DAY = "record 300 without a day YYYYMMDD"
NO_VALUES = "record 300 without the values of its day"
OTHER_COUNT = "record 300 with another number of values than the day has intervals"
OTHER_LENGTH = "record 300 with values of another interval length than record 200 declares"
NO_QUALITY = "record 300 without a quality flag A, E, F, N, S or V after its values"
NOT_COVERED = "flag V of a record 300 whose records 400 do not give each interval one flag"
NO_EVENT = "record 400 that follows no record 300"
BAD_EVENT = "record 400 without a range of intervals and a quality flag"
NO_NUMBER = "value that is no number"

ERROR_CODES = frozenset(code / scale for code in (2.0**32 - 1, 2.0**31 - 1, 2.0**24 - 1) for scale in (1.0, 1000.0)) | {
    34364.271,
    38655.37,
    186227.0865,
}
"""Numbers that come in place of a reading. Sites may be large, so that no bound on readings applies."""

_UNITS = {"WH": 0.001, "KWH": 1.0, "MWH": 1000.0}
_QUALITY = re.compile(r"[AEFNSV][0-9]{0,2}")
_DAY = re.compile(r"[0-9]{8}")
_METER = re.compile(r"[!-+\--.0-~]{1,32}")
_LENGTHS = (5, 15, 30)
_HEADER = re.compile(rb"\A(?:\xef\xbb\xbf)?[\s]*100 *, *NEM12", re.IGNORECASE)
_HEADLESS = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:200|300|250),")
_MOST_RECORDS = 4096


def is_nem12(head: bytes) -> bool:
    """True if a file begins with the header record, after blank lines or not."""
    return _HEADER.match(head) is not None


def lacks_header(head: bytes) -> bool:
    """True if a file begins with other records of the format."""
    return _HEADLESS.match(head) is not None


@dataclass(frozen=True)
class _Register:
    """A record 200; with a reason where its readings cannot be taken in."""

    meter: str
    minutes: int
    factor: float
    is_export: bool
    fault: str | None = None


@dataclass
class _Day:
    """A record 300 whose records 400 may be still to come."""

    line: int
    register: _Register
    start: int
    """Seconds since 1970."""
    values: list[str]
    quality: str
    flags: list[str | None] = field(default_factory=list)
    fault: str | None = None


@dataclass
class _Rows:
    """Columns of readings, and quarantined rows."""

    days: list[_Day] = field(default_factory=list)
    quarantined: list[tuple[int, str]] = field(default_factory=list)


class _Reader:
    """State of a file: the present register, the day whose flags may be still to come, and what was seen."""

    def __init__(self) -> None:
        self.rows = _Rows()
        self.register: _Register | None = None
        self.day: _Day | None = None
        self.is_open = False
        self.has_ended = False
        self.last_line = 0

    def take(self, number: int, line: str) -> None:
        """Read a line."""
        self.last_line = number
        fields = [value.strip(" ") for value in line.split(",")]
        record = fields[0]
        if record not in ("400", "500"):
            self._finish_day()
        if record == "100":
            self._take_header(number, fields)
        elif record == "900":
            self.is_open, self.has_ended, self.register = False, True, None
        elif not self.is_open:
            self._refuse(number, AFTER_END if self.has_ended else NO_HEADER)
        elif record == "200":
            self._take_register(number, fields)
        elif record == "300":
            self._take_day(number, fields)
        elif record == "400":
            self._take_event(number, fields)
        elif record != "500":
            self._refuse(number, UNKNOWN_RECORD)

    def end(self) -> None:
        """End the file."""
        self._finish_day()
        if self.is_open:
            self._refuse(self.last_line, NO_END)

    def refuse(self, number: int, reason: str) -> None:
        """Quarantine a line that is no text."""
        self.last_line = number
        self._refuse(number, reason)

    def _refuse(self, number: int, reason: str, count: int = 1) -> None:
        self.rows.quarantined += [(number, reason)] * count

    def _take_header(self, number: int, fields: list[str]) -> None:
        self.is_open = len(fields) > 1 and fields[1].upper() == "NEM12"
        self.has_ended = False
        self.register = None
        if not self.is_open:
            self._refuse(number, OTHER_HEADER)

    def _take_register(self, number: int, fields: list[str]) -> None:
        padded = [*fields, *[""] * 9]
        nmi, suffix, unit, length = (padded[place] for place in (1, 4, 7, 8))
        is_whole = bool(_METER.fullmatch(nmi) and re.fullmatch("[A-Za-z0-9]{1,4}", suffix) and unit)
        minutes = int(length) if length.isdecimal() and len(length) <= 3 else 0
        if not is_whole or minutes not in _LENGTHS:
            self.register = _Register("", 0, 1.0, is_export=False, fault=BROKEN_REGISTER)
            self._refuse(number, BAD_REGISTER)
            return
        fault = None
        if unit.upper() not in _UNITS:
            fault = NOT_ENERGY
        elif suffix[0].upper() not in "EB":
            fault = NO_DIRECTION
        is_export = suffix[0].upper() == "B"
        self.register = _Register(f"{nmi}/{suffix}", minutes, _UNITS.get(unit.upper(), 1.0), is_export, fault)

    def _take_day(self, number: int, fields: list[str]) -> None:
        register = self.register
        if register is None or not register.minutes:
            self._refuse(number, NO_REGISTER if register is None else BROKEN_REGISTER)
            return
        count = 1440 // register.minutes
        values, rest = fields[2 : 2 + count], fields[2 + count :]
        start = _start_of_day(fields[1] if len(fields) > 1 else "")
        if start is None:
            self._refuse(number, NO_DAY)
        elif not rest or not _QUALITY.fullmatch(rest[0]) or any(map(_QUALITY.fullmatch, values)):
            self._refuse(number, _count_fault(fields, count))
        else:
            self.day = _Day(number, register, start, values, rest[0], fault=register.fault)
            if rest[0].startswith("V"):
                self.day.flags = [None] * count

    def _take_event(self, number: int, fields: list[str]) -> None:
        day = self.day
        if day is None:
            self._refuse(number, NO_EVENT)
            return
        first, last, quality = ([*fields, "", "", ""])[1:4]
        if not (first.isdecimal() and last.isdecimal() and len(first) <= 4 and len(last) <= 4):
            self._refuse(number, BAD_EVENT)
            day.fault = day.fault or NOT_COVERED
            return
        begin, end = int(first), int(last)
        is_known = _QUALITY.fullmatch(quality) is not None and quality[0] != "V"
        if not (1 <= begin <= end <= len(day.values) and is_known):
            self._refuse(number, BAD_EVENT)
            day.fault = day.fault or NOT_COVERED
        elif day.flags:
            if any(flag is not None for flag in day.flags[begin - 1 : end]):
                day.fault = day.fault or NOT_COVERED
            day.flags[begin - 1 : end] = [quality[0]] * (end - begin + 1)

    def _finish_day(self) -> None:
        day, self.day = self.day, None
        if day is None:
            return
        if not day.flags:
            day.flags = [day.quality[0]] * len(day.values)
        elif None in day.flags:
            day.fault = day.fault or NOT_COVERED
        if day.fault:
            self._refuse(day.line, day.fault, len(day.values))
        else:
            self.rows.days.append(day)


def _start_of_day(text: str) -> int | None:
    """Seconds since 1970 of the begin of a day of the market; None for no day."""
    if not _DAY.fullmatch(text):
        return None
    try:
        day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=MARKET_TIME)
    except ValueError:
        return None
    start = day.astimezone(UTC) if 1970 < day.year < 2200 else None
    return None if start is None else int(start.timestamp())


def _count_fault(fields: list[str], count: int) -> str:
    """Reason against a record whose values are not those of its day."""
    places = [place for place, value in enumerate(fields[2:]) if _QUALITY.fullmatch(value)]
    if not places:
        return NO_QUALITY if len(fields) - 2 >= count else OTHER_COUNT
    if places[0] == 0:
        return NO_VALUES
    return OTHER_LENGTH if places[0] in [1440 // length for length in _LENGTHS] else OTHER_COUNT


def read_nem12(stream: ByteStream) -> Iterator[Readings]:
    """Rows of a file: a row is a value of a record 300, or a record whose values cannot be told."""
    reader = _Reader()
    for block in read_blocks(stream):
        for number, line in enumerate(block.lines, block.first_line):
            if number in block.too_long:
                reader.refuse(number, TOO_LONG)
                continue
            try:
                text = line.decode().strip(" \t\r")
            except UnicodeDecodeError:
                reader.refuse(number, NOT_UTF8)
                continue
            if text:
                reader.take(number, text)
            if len(reader.rows.days) >= _MOST_RECORDS:
                yield _readings(reader.rows)
                reader.rows = _Rows()
    reader.end()
    yield _readings(reader.rows)


def _readings(rows: _Rows) -> Readings:
    """Accepted readings of days, and quarantined values and records."""
    quarantined = pl.DataFrame(rows.quarantined, schema=BULK_QUARANTINE_SCHEMA, orient="row")
    if not rows.days:
        return Readings(pl.DataFrame(schema=READING_COLUMNS), quarantined)
    days = pl.DataFrame(
        {
            "line": [day.line for day in rows.days],
            "meter": [day.register.meter for day in rows.days],
            "start": [day.start for day in rows.days],
            "minutes": [day.register.minutes for day in rows.days],
            "factor": [day.register.factor for day in rows.days],
            "is_export": [day.register.is_export for day in rows.days],
            "text": [day.values for day in rows.days],
            "flag": [day.flags for day in rows.days],
        },
        schema_overrides={"minutes": pl.Int16, "text": pl.List(pl.String), "flag": pl.List(pl.String)},
    ).with_columns(pl.int_ranges(0, pl.col("text").list.len()).alias("place"))
    values = days.explode("text", "flag", "place")
    is_number = pl.col("text").str.contains(f"^{NUMBER}$")
    number = pl.when(is_number).then(pl.col("text").cast(pl.Float64, strict=False))
    is_null = pl.col("flag") == "N"
    is_code = number.is_in(list(ERROR_CODES)) | number.is_infinite()
    judged = values.with_columns(
        number.alias("number"),
        (is_null | is_code.fill_null(value=False)).alias("is_none"),
        pl.when(~is_number & ~(is_null & (pl.col("text") == "")))
        .then(pl.lit(NO_NUMBER))
        .when(is_code & (pl.col("text").str.len_bytes() > LONGEST_CODE))
        .then(pl.lit(NO_NUMBER))
        .alias("reason"),
    )
    seconds = pl.col("start") + pl.col("place") * pl.col("minutes").cast(pl.Int64) * 60
    accepted = judged.filter(pl.col("reason").is_null()).select(
        "line",
        "meter",
        (seconds * 1_000_000).cast(INSTANT).alias("started_at"),
        "minutes",
        pl.when(~pl.col("is_none")).then(pl.col("number") * pl.col("factor")).alias("kwh"),
        pl.when(pl.col("is_none") & (pl.col("text") != "")).then("text").alias("code"),
        "flag",
        "is_export",
    )
    refused = judged.filter(pl.col("reason").is_not_null()).select("line", "reason")
    return Readings(accepted, pl.concat([quarantined, refused]).sort("line"))
