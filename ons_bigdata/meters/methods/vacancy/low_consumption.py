"""The rule of the Vacant Dwelling Indicators of the CSO (Ireland): under 180 kWh in each of four quarters running."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns

DAYS_OF_QUARTER = 90
"""Days to which the consumption of a quarter is scaled."""
LEAST_COVERAGE = 0.8
"""Share of the days of a quarter that need a reading."""


def low_consumption_rule(
    meter_days: pl.DataFrame | pl.LazyFrame, kwh_per_quarter: float = 180, quarters: int = 4
) -> pl.DataFrame:
    """Judge by consumption alone which homes are vacant, as the national indicator does.

    `meter_days`: meter, day, kwh, readings (frame `MeterDay`). The consumption of a quarter is scaled by 90 / days with
    readings; a quarter with readings on less than 80 % of its days is not judged. A home is vacant in a quarter if that
    quarter and the `quarters` - 1 before it are all below `kwh_per_quarter`; an unjudged quarter breaks the run.

    Returns one row per meter and quarter with any reading (these are the connections, the denominator of the
    indicator; meters that read zero count): meter, quarter (first day), days (with readings), coverage, kwh_scaled,
    is_low, vacant (null where the quarter is not judged), reads_zero (no consumption at all), sorted.

    Raises ValueError on a missing column, a limit that is not positive, or fewer than one quarter.
    """
    frame = eager_frame(meter_days, "meter_days")
    refuse_missing_columns(frame, ["meter", "day", "kwh", "readings"], "meter_days")
    if not kwh_per_quarter > 0:
        message = f"kwh_per_quarter is {kwh_per_quarter}, expected more than 0"
        raise ValueError(message)
    if quarters < 1:
        message = f"quarters is {quarters}, expected 1 or more"
        raise ValueError(message)
    start = pl.col("quarter")
    days_of_quarter = (start.dt.offset_by("1q") - start).dt.total_days()
    table = (
        frame.select("meter", "day", "kwh", "readings")
        .filter(pl.col("readings") > 0)
        .group_by("meter", quarter=pl.col("day").dt.truncate("1q"))
        .agg(days=pl.len().cast(pl.Int32), kwh=pl.col("kwh").sum())
        .sort("meter", "quarter")
        .with_columns(
            coverage=pl.col("days") / days_of_quarter, kwh_scaled=pl.col("kwh") * DAYS_OF_QUARTER / pl.col("days")
        )
        .with_columns(
            is_low=pl.when(pl.col("coverage") >= LEAST_COVERAGE).then(pl.col("kwh_scaled") < kwh_per_quarter),
            number=pl.col("quarter").dt.year() * 4 + pl.col("quarter").dt.quarter(),
        )
    )
    run = pl.col("number") - pl.col("number").shift(quarters - 1).over("meter") == quarters - 1
    low = pl.col("is_low").fill_null(value=False).cast(pl.Int8)
    all_low = low.rolling_sum(quarters, min_samples=quarters).over("meter") == quarters
    return table.with_columns(
        vacant=pl.when(pl.col("is_low").is_not_null()).then((run & all_low).fill_null(value=False)),
        reads_zero=pl.col("kwh") == 0,
    ).select("meter", "quarter", "days", "coverage", "kwh_scaled", "is_low", "vacant", "reads_zero")
