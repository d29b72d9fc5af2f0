"""Counts of states by meter and month."""

from __future__ import annotations

import polars as pl


def count_states(assessed: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of each meter, month and state, and sum their readings.

    `assessed` is the result of `assess`. Columns of the result: meter, month (first day of the month of started_at in
    UTC), state, readings (rows, Int64) and kwh (sum of their readings; null where there is none), sorted.
    """
    counted = (
        assessed.lazy()
        .group_by("meter", pl.col("started_at").dt.date().dt.month_start().alias("month"), "state")
        .agg(
            pl.len().cast(pl.Int64).alias("readings"),
            pl.when(pl.col("kwh").count() > 0).then(pl.col("kwh").sum()).alias("kwh"),
        )
    )
    return counted.sort("meter", "month", "state").collect()
