"""Half hours of readings of shorter intervals."""

from __future__ import annotations

import polars as pl

INCOMPLETE = "incomplete"
"""Code of a half hour of which parts are missing, have no reading, or are delivered twice with other readings."""


def sum_to_half_hours(readings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sum shorter intervals to half hours; return the half hours, and the rows that cannot be any.

    `readings` has the columns of MeterReading with code and flag, and minutes (length of the interval). Rows of 30
    minutes stay as they are. Rows whose minutes divide 30 are summed by meter and half hour: a half hour with all its
    parts, each delivered once or several times alike, has their sum; any other has no reading and the code
    "incomplete". Its flag is the last one in the alphabet of its parts: an estimate makes the sum an estimate. Longer
    intervals, and lengths that do not divide 30, are returned apart: their consumption cannot be divided.

    Both results have the columns of `readings` without minutes.
    """
    is_half = readings["minutes"] == 30
    if is_half.all():
        return readings.drop("minutes"), readings.drop("minutes").clear()
    divides = (readings["minutes"] < 30) & (30 % readings["minutes"] == 0)
    halves = readings.filter(is_half).drop("minutes")
    apart = readings.filter(~is_half & ~divides).drop("minutes")
    parts = readings.filter(divides).unique()
    summed = (
        parts.group_by("meter", pl.col("started_at").dt.truncate("30m"), "minutes")
        .agg(
            pl.col("kwh").sum(),
            (
                (pl.len() == 30 // pl.col("minutes").first().cast(pl.Int64))
                & (pl.col("started_at").n_unique() == pl.len())
                & pl.col("kwh").is_not_null().all()
            ).alias("is_whole"),
            pl.col("flag").max(),
        )
        .select(
            "meter",
            "started_at",
            pl.when("is_whole").then("kwh").alias("kwh"),
            pl.when(~pl.col("is_whole")).then(pl.lit(INCOMPLETE)).alias("code"),
            "flag",
        )
    )
    return pl.concat([halves.select(summed.columns), summed]), apart
