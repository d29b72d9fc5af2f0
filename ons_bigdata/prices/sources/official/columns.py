"""Columns of the office's files of prices: months, item numbers, and months after the arrival of a file."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.tables.text_tables import Faults, TextTable

MONTH = r"^[12][0-9]{3}(?:0[1-9]|1[0-2])$"


def month_column(column: str) -> pl.Expr:
    """Return the first day of a month written YYYYMM; null where it is not."""
    return (matching(column, MONTH) + "01").str.to_date("%Y%m%d", strict=False)


def item_column(column: str) -> pl.Expr:
    """Return an item number; null where the text is none."""
    return matching(column, r"^[1-9][0-9]{5}$").cast(pl.Int32)


def future_faults(landed_at: datetime | None, parsed: str, column: str) -> Faults:
    """Return the fault of a month after the arrival of its file; none without an arrival."""
    if landed_at is None:
        return []
    text = f"{column} {{}} is in the future: the file arrived on {landed_at:%Y-%m-%d}"
    return [(pl.col(parsed) > landed_at.date(), reason(text, column))]


def months_in(table: TextTable, column: str) -> list[date]:
    """Return the distinct months of a table that can be parsed, sorted."""
    return table.rows.select(month_column(column).drop_nulls().unique().sort()).to_series().to_list()
