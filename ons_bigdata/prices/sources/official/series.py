"""Reader of files of one official series: two columns below a preamble, with rows for years, quarters and months."""

from __future__ import annotations

import re
from datetime import date, datetime

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables.csv_lines import fields_of, quarantined, split_lines
from ons_bigdata.platform.ingest.tables.text_tables import NUMBER
from ons_bigdata.prices.schemas import OfficialSeriesValue

READER_VERSION = "2"

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = re.compile(rf"([12][0-9]{{3}}) ({'|'.join(_MONTHS)})")
_OTHER_PERIOD = re.compile(r"[0-9]{4}(?: Q[1-4])?")
_SERIES_ID = re.compile(r"[A-Za-z0-9]{4}")


def series_id(content: bytes) -> str | None:
    """Return the identifier in the preamble (`CDID`), lower case; None where the file is no series."""
    lines, _ = split_lines(content)
    preamble, _ = _preamble(lines)
    identifier = preamble.get("CDID", "")
    return identifier.lower() if "Title" in preamble and _SERIES_ID.fullmatch(identifier) else None


def read_series(content: bytes, *, load_id: str, landed_at: datetime | None = None) -> Reading:
    """Read a file into OfficialSeriesValue rows and quarantined ones. Never raises for any content.

    The preamble (`"Title","…"`, `"CDID","D7BU"`, …) is skipped, as are years (`2021`) and quarters (`2021 Q1`), which
    are averages of the months. Any other line is quarantined, as is a second row of a month and a month after
    `landed_at`, the arrival of the file (None: not compared).
    """
    if not content:
        return refused_reading("no bytes", "outage")
    identifier = series_id(content)
    if identifier is None:
        return refused_reading('no preamble with "Title" and "CDID" of four letters or digits')
    lines, faults = split_lines(content)
    preamble, first = _preamble(lines)
    rows: list[tuple[int, date, float]] = []
    reasons: dict[int, str] = {index + 1: fault for index, fault in faults.items() if index >= first}
    months: set[date] = set()
    for index in range(first, len(lines)):
        if index in faults:
            continue
        month, value, fault = _row(lines[index])
        if fault is None and month in months:
            fault = f"month {month:%Y-%m} twice"
        if fault is None and month is not None and landed_at is not None and month > landed_at.date():
            fault = f"month {month:%Y-%m} is in the future: the file arrived on {landed_at:%Y-%m-%d}"
        if fault is not None:
            reasons[index + 1] = fault
        elif month is not None and value is not None:
            months.add(month)
            rows.append((index + 1, month, value))
    accepted = OfficialSeriesValue.validate(
        pl.DataFrame(rows, schema={"line": pl.Int32, "month": pl.Date, "value": pl.Float64}, orient="row").select(
            pl.lit(load_id).alias("load_id"),
            "line",
            pl.lit(identifier).alias("series_id"),
            pl.lit(preamble["Title"][:500]).alias("title"),
            "month",
            "value",
        )
    )
    kept = quarantined(reasons, lines)
    return Reading("loaded", None, accepted.height + kept.height, accepted, kept)


def _preamble(lines: list[str]) -> tuple[dict[str, str], int]:
    """Return the preamble's fields and the position of the first line below it, which begins with a year."""
    preamble: dict[str, str] = {}
    for index, line in enumerate(lines):
        fields, _ = fields_of(line)
        name = fields[0].strip() if fields else ""
        if re.match(r"[0-9]{4}\b", name):
            return preamble, index
        if name and len(fields) > 1:
            preamble[name] = fields[1].strip()
    return preamble, len(lines)


def _row(line: str) -> tuple[date | None, float | None, str | None]:
    """Return month, value and fault of a line; all None for years, quarters and blank lines."""
    parts, fault = fields_of(line)
    if fault is not None:
        return None, None, fault
    fields = [text.strip() for text in parts]
    if not any(fields) or _OTHER_PERIOD.fullmatch(fields[0]):
        return None, None, None
    month = _MONTH.fullmatch(fields[0].upper())
    if month is None:
        return None, None, f"period {fields[0][:40]!r}; expected such as '2021', '2021 Q1' or '2021 JAN'"
    if len(fields) != 2 or not re.fullmatch(NUMBER, fields[1]):
        return None, None, f"value {', '.join(fields[1:])[:40]!r}; expected one number"
    return date(int(month[1]), _MONTHS.index(month[2]) + 1, 1), float(fields[1]), None
