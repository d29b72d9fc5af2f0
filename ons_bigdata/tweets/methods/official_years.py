"""Estimates by quarter in the years of the official figures, which end on 30 June."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


def official_year(period: pl.Expr) -> pl.Expr:
    """Last day of the year to 30 June in which a day lies."""
    return pl.date(period.dt.year() + (period.dt.month() >= 7).cast(pl.Int32), 6, 30)


def sum_quarters(frame: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Sums over the quarters of each official year: key, year_ending, the values, and quarters of the year (1 to 4).

    `frame`: key, period (Date, first day of a quarter), values. `quarters` counts those of the whole frame in that
    year, so that all rows of a year have the same. A key of which a value is null in a quarter has no sum in that year:
    it is null. A key without a row in a quarter had no such moves. Raises ValueError for periods that are no quarters.
    """
    odd = frame.filter((pl.col("period").dt.day() != 1) | (pl.col("period").dt.month() % 3 != 1))
    if not odd.is_empty():
        message = f"period {odd['period'][0]} is no first day of a quarter; {odd.height} of {frame.height} rows"
        raise ValueError(message)
    dated = frame.with_columns(year_ending=official_year(pl.col("period")))
    quarters = dated.group_by("year_ending").agg(quarters=pl.col("period").n_unique().cast(pl.Int32))
    sums = dated.group_by([*key, "year_ending"], maintain_order=True).agg(
        pl.when(pl.col(value).null_count() == 0).then(pl.col(value).sum()).alias(value) for value in values
    )
    return sums.join(quarters, on="year_ending", how="left", maintain_order="left")
