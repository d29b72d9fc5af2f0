"""Format `csv`, one day a line: files of British suppliers with 48 columns of half hours.

Local days have 46 or 50 half hours when clocks change, but these files have 48 columns: in spring two of them have no
half hour, in autumn one column stands for two half hours, of which the file does not say which it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from ons_bigdata.meters.sources.formats.clocks import HALF_HOUR, local_day
from ons_bigdata.meters.sources.formats.delimited import (
    BLOCK_BYTES,
    EXPORT,
    NO_METER,
    NO_NUMBER,
    TOKENS,
    energy_rules,
    header_names,
    text_fields,
)
from ons_bigdata.meters.sources.formats.rows import (
    INSTANT,
    NO_READING,
    ROUNDED,
    ROUNDED_METER,
    Readings,
    quarantined_lines,
    split_faults,
)
from ons_bigdata.platform.ingest.lines import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ons_bigdata.platform.ingest.lines import ByteStream

ZONE = "Europe/London"

NO_DAY = "day that is missing or of another form than YYYY-MM-DD, DD/MM/YYYY, DD-MM-YYYY or YYYYMMDD"
MONTH_FIRST = "day in a part of a file that writes the month first; expected YYYY-MM-DD or DD/MM/YYYY"
NO_UNIT = "quantity other than active import or export in kWh"
NO_HALF_HOUR = "reading of a half hour that its day does not have, since clocks change"
CLOCK_CHANGE = "C"
"""Flag of a reading in autumn that may be of either of two half hours of the same local time; the first is taken."""

METERS = ("mpan", "mpan_core", "mpxn", "mprn", "meter", "meter_id", "meter_number")
DAYS = ("date", "day", "reading_date", "read_date", "consumption_date", "settlement_date")
QUANTITIES = ("measurement_quantity", "quantity", "measurement_quantity_id", "type", "unit", "units")
"""Names of columns in lower case with underscores."""

DIRECTIONS = {"": False, "kwh": False, "ai": False, "import": False, "active_import": False, "consumption": False}
DIRECTIONS |= {"ae": True, "export": True, "active_export": True}
"""Text of the column of quantities, in lower case with underscores -> whether it is export."""

_COLUMN_TABLE: dict[str, pl.DataType] = {
    "day": pl.Date(),
    "counts_through": pl.Boolean(),
    "column": pl.Int64(),
    "started_at": INSTANT,
    "is_double": pl.Boolean(),
}

_NUMBERED = re.compile(r"(?:hhc?|kwh|half_hour|period|settlement_period|sp|p|h)?_?0*([0-9]{1,2})(?:_kwh)?")
_LABELLED = re.compile(r"(?:hh|kwh|h)?_?([0-9]{1,2}):?([0-9]{2})(?::00)?(?:_kwh)?")
_DAY_FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d")
_YEAR_LAST = r"^[0-9]{1,2}[/-][0-9]{1,2}[/-][0-9]{4}$"
_LARGE_FIRST, _LARGE_SECOND = r"^(1[3-9]|2[0-9]|3[01])[/-]", r"^[0-9]{1,2}[/-](1[3-9]|2[0-9]|3[01])[/-]"
"""Days of which the first, or the second, number is no month."""


@dataclass(frozen=True)
class DayLayout:
    """Columns of a file with one day a line."""

    fields: int
    meter: int
    day: int
    first: int
    """Position of the first of the columns of half hours, which follow each other."""
    columns: int
    """Number of them: 48, or 50 of numbered half hours."""
    quantity: int | None = None


def day_layout(head: bytes) -> DayLayout | None:
    """Layout of a file by its header; None for a file of another form."""
    names = [re.sub(r"[ .-]+", "_", name.strip().lower()) for name in header_names(head)]
    meters = [place for place, name in enumerate(names) if name in METERS]
    days = [place for place, name in enumerate(names) if name in DAYS]
    quantities = [place for place, name in enumerate(names) if name in QUANTITIES]
    if len(meters) != 1 or len(days) != 1 or len(quantities) > 1:
        return None
    for first in range(len(names)):
        for columns in (50, 48):
            if _are_half_hours(names[first : first + columns], columns):
                return DayLayout(len(names), meters[0], days[0], first, columns, *quantities)
    return None


def _are_half_hours(names: list[str], columns: int) -> bool:
    if len(names) != columns:
        return False
    numbered = [_NUMBERED.fullmatch(name) for name in names]
    if all(numbered):
        numbers = [int(match[1]) for match in numbered if match]
        return numbers in (list(range(1, columns + 1)), list(range(columns)))
    labelled = [_LABELLED.fullmatch(name) for name in names]
    if columns == 48 and all(labelled):
        minutes = [int(match[1]) * 60 + int(match[2]) for match in labelled if match]
        starts = list(range(0, 1440, 30))
        return minutes in (starts, [start + 30 for start in starts], [(start + 30) % 1440 for start in starts])
    return False


def read_days(stream: ByteStream, layout: DayLayout, zone: str = ZONE) -> Iterator[Readings]:
    """Rows of a file: a row is a half hour of a line, or a line without meter, day or known quantity."""
    for block in read_blocks(stream, block_bytes=BLOCK_BYTES):
        faults: dict[int, str] = {}
        lines = text_fields(block, layout.fields, faults)
        if block.first_line == 1:
            faults.pop(1, None)
            lines = lines.filter(pl.col("line") > 1)
        yield _judged(lines, layout, zone, faults)


def _judged(lines: pl.DataFrame, layout: DayLayout, zone: str, faults: dict[int, str]) -> Readings:
    quantity = pl.lit("") if layout.quantity is None else pl.col(str(layout.quantity))
    texts = lines.with_columns(
        pl.col(str(layout.meter)).str.strip_chars(" \t").alias("meter"),
        pl.col(str(layout.day)).str.strip_chars(" \t").alias("day_text"),
        quantity.str.strip_chars(" \t").str.to_lowercase().str.replace_all("[ .-]+", "_").alias("quantity"),
    )
    texts = texts.with_columns(_day(pl.col("day_text")).alias("day"), _is_month_first().alias("is_month_first"))
    good = split_faults(
        texts,
        {
            ROUNDED_METER: pl.col("meter").str.contains(ROUNDED),
            NO_METER: ~pl.col("meter").str.contains(r"^[!-~]{1,64}$"),
            MONTH_FIRST: pl.col("is_month_first"),
            NO_DAY: pl.col("day").is_null(),
            NO_UNIT: ~pl.col("quantity").is_in(list(DIRECTIONS)),
        },
        faults,
    )
    places = [str(layout.first + column) for column in range(layout.columns)]
    long = (
        good.select("line", "meter", "day", "quantity", *places)
        .unpivot(on=places, index=["line", "meter", "day", "quantity"], variable_name="place", value_name="text")
        .with_columns(
            pl.col("text").str.strip_chars(" \t"),
            (pl.col("place").cast(pl.Int64) - layout.first).alias("column"),
            pl.lit(30, pl.Int16).alias("minutes"),
        )
        .sort("line", "column")
    )
    timed = long.join(_instants(good, layout, zone), on=["line", "column"], how="left", maintain_order="left")
    # a column that its day does not have, and which is empty, is no row
    timed = timed.filter(pl.col("started_at").is_not_null() | (pl.col("text") != ""))
    energy = energy_rules("text", pl.col("minutes"), TOKENS)
    reason = pl.coalesce(
        pl.when(pl.col("started_at").is_null()).then(pl.lit(NO_HALF_HOUR)),
        pl.when(energy["no_number"]).then(pl.lit(NO_NUMBER)),
        pl.when(energy["no_reading"]).then(pl.lit(NO_READING)),
    )
    judged = timed.with_columns(reason.alias("reason"))
    refused = judged.filter(pl.col("reason").is_not_null()).select("line", "reason")
    is_export = pl.col("quantity").replace_strict(DIRECTIONS, return_dtype=pl.Boolean)
    accepted = judged.filter(pl.col("reason").is_null()).select(
        "line",
        pl.when(is_export).then(pl.col("meter") + EXPORT).otherwise("meter").alias("meter"),
        "started_at",
        "minutes",
        energy["kwh"].alias("kwh"),
        energy["code"].alias("code"),
        pl.when(pl.col("is_double")).then(pl.lit(CLOCK_CHANGE)).alias("flag"),
        is_export.alias("is_export"),
    )
    return Readings(accepted, pl.concat([quarantined_lines(faults), refused]).sort("line"))


def _day(text: pl.Expr) -> pl.Expr:
    return pl.coalesce(text.str.to_date(form, strict=False) for form in _DAY_FORMS)


def _is_month_first() -> pl.Expr:
    """True for days with the year last, where more of them can only have the month first than the day first.

    Else 02/01/2024 of such a file would be taken for the second of January, and 02/13/2024 alone be quarantined.
    """
    text = pl.col("day_text")
    is_year_last = text.str.contains(_YEAR_LAST)
    month_first = (is_year_last & text.str.contains(_LARGE_SECOND)).sum()
    day_first = (is_year_last & text.str.contains(_LARGE_FIRST)).sum()
    return is_year_last & (month_first > day_first)


def _instants(lines: pl.DataFrame, layout: DayLayout, zone: str) -> pl.DataFrame:
    """Start of each column of each line (`line`, `column`, `started_at`), and whether it stands for two half hours.

    Columns without a half hour are left out.
    """
    days = lines.select("line", "day", _counts_through(lines, layout, zone).alias("counts_through"))
    kinds = days.select("day", "counts_through").unique()
    parts = [_columns_of(day, layout.columns, zone, counts_through=through) for day, through in kinds.iter_rows()]
    table = pl.concat([pl.DataFrame(schema=_COLUMN_TABLE), *parts])
    return days.join(table, on=["day", "counts_through"]).select("line", "column", "started_at", "is_double")


def _counts_through(lines: pl.DataFrame, layout: DayLayout, zone: str) -> pl.Series:
    """True where columns are half hours one after another, whatever the clock shows.

    So are 50 columns; and 48 on a day of 46 half hours of which the last two are empty and the hour left out is not.
    """
    if layout.columns != 48:
        return pl.repeat(value=True, n=lines.height, dtype=pl.Boolean, eager=True)
    short = [day for day in lines["day"].unique() if local_day(day, zone)[1] == 46]
    through = pl.repeat(value=False, n=lines.height, dtype=pl.Boolean, eager=True)
    for day in short:
        gap = sorted(set(range(48)) - set(_clock_columns(day, zone)))
        filled = [pl.col(str(layout.first + column)).str.strip_chars(" \t") != "" for column in gap]
        empty = [pl.col(str(layout.first + column)).str.strip_chars(" \t") == "" for column in (46, 47)]
        is_so = lines.select(pl.all_horizontal(pl.col("day") == day, *filled, *empty)).to_series()
        through = through | is_so
    return through


def _clock_columns(day: date, zone: str) -> dict[int, list[int]]:
    """Half hours of a day, counted from 0, that each of 48 columns by the local clock has."""
    start, half_hours = local_day(day, zone)
    columns: dict[int, list[int]] = {}
    for rank in range(half_hours):
        local = (start + rank * HALF_HOUR).astimezone(ZoneInfo(zone))
        columns.setdefault((local.hour * 60 + local.minute) // 30, []).append(rank)
    return columns


def _columns_of(day: date, columns: int, zone: str, *, counts_through: bool) -> pl.DataFrame:
    start, half_hours = local_day(day, zone)
    if counts_through:
        ranks = {column: [column] for column in range(min(columns, half_hours))}
    else:
        ranks = _clock_columns(day, zone)
    return pl.DataFrame(
        {
            "day": [day] * len(ranks),
            "counts_through": [counts_through] * len(ranks),
            "column": list(ranks),
            "started_at": [start + of_column[0] * HALF_HOUR for of_column in ranks.values()],
            "is_double": [len(of_column) > 1 for of_column in ranks.values()],
        },
        schema=_COLUMN_TABLE,
    )
