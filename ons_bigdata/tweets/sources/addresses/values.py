"""Values of address and postcode records: text of a file to typed columns, each with the reason against a bad one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.tweets.schemas.vocabulary import CLASS_CODE, GRID_EAST_M, GRID_NORTH_M, GSS_CODE, SIMULATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ons_bigdata.platform.ingest.landing import DataOrigin

NO_UPRN = "no UPRN of 1 to 12 digits"
NO_CHANGE = "kind of change that is none of I, U, D"
NO_POSITION = "no coordinates on the British National Grid"
OTHER_GRID = "in a country whose coordinates are of another grid"
BAD_CLASS = "class code of another form"
BAD_POSTCODE = "postcode of another form"
BAD_DATE = "date of another form"
BAD_STATUS = "logical status that is no digit"
BAD_PARENT = "parent UPRN that is no number"
BAD_AREA = "area code of another form"

_OTHER_GRIDS = ("N", "L", "M")
"""Northern Ireland, Channel Islands, Isle of Man: countries of the product for islands."""

_COMPACT_POSTCODE = "^[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}$"
_PSEUDO_AREA = "^[A-Z]9{8}$"
"""Codes of the directory for areas outside its countries."""

_DAY = re.compile(r"(20[0-9]{2})[-_]?(0[1-9]|1[0-2])(?:[-_]?([0-2][0-9]|3[01]))?(?![0-9])")
_MONTH = re.compile(r"(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*[_-]?(20[0-9]{2})(?![0-9])")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class Delivery:
    """Properties of all rows of a file, by its name."""

    edition: date | None
    supply: str | None
    """`full` or `changes`."""
    data_origin: DataOrigin


def read_name(name: str) -> Delivery:
    """Edition, kind of supply and origin of a file by its name; None where the name does not say.

    Editions are written 2024-05-01, 20240501, 202405 or MAY_2024 (a month counts as its first day); a full supply has
    the word FULL, one of changes COU.
    """
    upper = name.upper()
    words = set(re.split("[^A-Z]+", upper))
    supply = "full" if "FULL" in words else "changes" if words & {"COU", "CHANGES"} else None
    return Delivery(_edition(upper), supply, "simulated" if name.startswith(SIMULATED) else "real")


def _edition(name: str) -> date | None:
    found = _DAY.search(name)
    if found is not None:
        try:
            return date(int(found[1]), int(found[2]), int(found[3] or 1))
        except ValueError:
            return None
    month = _MONTH.search(name)
    return None if month is None else date(int(month[2]), _MONTHS.index(month[1]) + 1, 1)


def judge(
    rows: pl.DataFrame, columns: Iterable[pl.Expr], reasons: Mapping[str, pl.Expr], faults: Iterable[pl.DataFrame]
) -> Batch:
    """Batch of rows as text: columns of the table are made of them, and the first reason that holds quarantines a row.

    `rows` has `line` and the fields as text; `reasons` are conditions by their text; `faults` are lines that are
    quarantined already.
    """
    reason = pl.coalesce(pl.when(condition).then(pl.lit(text)) for text, condition in reasons.items())
    judged = rows.select("line", *columns, reason.alias("reason"))
    bad = judged.filter(pl.col("reason").is_not_null()).select("line", "reason")
    quarantined = pl.concat([bad, *faults]).sort("line")
    accepted = judged.filter(pl.col("reason").is_null()).drop("reason")
    return Batch(accepted.height + quarantined.height, accepted, quarantined)


def text_of(column: str, values: pl.DataFrame) -> pl.Expr:
    """Text of a column; null where the layout has none."""
    return pl.col(column) if column in values.columns else pl.lit(None, dtype=pl.String)


def number(text: pl.Expr) -> pl.Expr:
    """Whole number; null for anything else."""
    return pl.when(text.str.contains("^[0-9]{1,12}$")).then(text).cast(pl.Int64, strict=False)


def metres(text: pl.Expr) -> pl.Expr:
    """Coordinate in metres; null for anything else."""
    return text.cast(pl.Float64, strict=False)


def day(text: pl.Expr) -> pl.Expr:
    """Day written YYYY-MM-DD; null for anything else."""
    return text.str.to_date("%Y-%m-%d", strict=False)


def postcode(text: pl.Expr) -> pl.Expr:
    """Postcode in capitals with one space; null for anything else."""
    compact = text.str.to_uppercase().str.replace_all(" ", "", literal=True)
    return pl.when(compact.str.contains(_COMPACT_POSTCODE)).then(
        compact.str.head(-3) + pl.lit(" ") + compact.str.tail(3)
    )


def area(text: pl.Expr) -> pl.Expr:
    """Code of an area; null for a pseudo code and anything else."""
    return pl.when(text.str.contains(GSS_CODE) & ~text.str.contains(_PSEUDO_AREA)).then(text)


def lost(text: pl.Expr, value: pl.Expr) -> pl.Expr:
    """True if there is a text that is no value."""
    return text.is_not_null() & value.is_null()


def bad_class(text: pl.Expr) -> pl.Expr:
    """True if there is a class code of another form than that of the classification."""
    return text.is_not_null() & ~text.str.contains(CLASS_CODE)


def bad_area(text: pl.Expr) -> pl.Expr:
    """True if there is an area code of another form."""
    return text.is_not_null() & ~text.str.contains(GSS_CODE)


def bad_position(easting_m: pl.Expr, northing_m: pl.Expr) -> pl.Expr:
    """True if a position is missing or outside the British National Grid."""
    inside = easting_m.is_between(0, GRID_EAST_M) & northing_m.is_between(0, GRID_NORTH_M)
    return ~inside.fill_null(value=False) | ((easting_m == 0) & (northing_m == 0)).fill_null(value=False)


def on_other_grid(country: pl.Expr) -> pl.Expr:
    """True if the coordinates of a country are of another grid than the British one."""
    return country.is_in(_OTHER_GRIDS).fill_null(value=False)
