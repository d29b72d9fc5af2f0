"""Calendar of contact: how likely somebody is at home by area, weekday and time of day. Never by dwelling."""

from __future__ import annotations

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_repeated
from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import SPIKE_KWH, DayStatistics, day_statistics

LEAST_METERS = 10
"""Meters that an area needs for rows of its own; the rule of disclosure control of the pilot."""
PERIODS = {
    "09-11": (18, 22),
    "11-13": (22, 26),
    "13-15": (26, 30),
    "15-17": (30, 34),
    "17-19": (34, 38),
    "19-21": (38, 42),
}
"""Periods in which interviewers call: first half hour of the day, and the one after the last."""


def contact_calendar(
    meter_days: pl.DataFrame, areas: pl.DataFrame, *, least_meters: int = LEAST_METERS
) -> pl.DataFrame:
    """Chance of somebody at home by area, weekday and period of the day.

    `meter_days`: frame `MeterDay`. `areas`: meter, area. A meter-day shows somebody at home in a period if at least one
    of its half hours is above the night base by max(3 s_d, 0.08 kWh), as for e_d of the rule of absent days. People at
    home who use little are not seen: chances are lower bounds, and meant for their order.

    Returns area, weekday (1 = Monday), period, meters, chance, sorted. Areas with fewer than `least_meters` meters have
    no rows; all meters together are in the rows without area (null).

    Raises ValueError on a missing column, a meter without area, fewer than ten meters as the least number, or fewer
    meters altogether.
    """
    return calendar_of_days(contact_days(day_statistics(day_matrix(meter_days))), areas, least_meters=least_meters)


def contact_days(statistics: DayStatistics) -> pl.DataFrame:
    """Judged days and those with use, by meter, weekday and period.

    Returns meter, weekday (1 = Monday), period, days, days_at_home, sorted.
    """
    matrix = statistics.matrix
    level = statistics.base + np.maximum(3 * statistics.spread, SPIKE_KWH)
    with np.errstate(invalid="ignore"):
        above = matrix.kwh > level[:, None]
    columns = [
        matrix.column(name, above[:, begin:end].any(axis=1), pl.Boolean) for name, (begin, end) in PERIODS.items()
    ]
    known = matrix.column("known", ~np.isnan(statistics["mean"]) & ~np.isnan(level), pl.Boolean)
    return (
        matrix.keys.with_columns(*columns, known, weekday=pl.col("day").dt.weekday())
        .filter("known")
        .group_by("meter", "weekday")
        .agg(pl.len().cast(pl.Int32).alias("days"), pl.col(*PERIODS).sum().cast(pl.Int32))
        .unpivot(list(PERIODS), index=["meter", "weekday", "days"], variable_name="period", value_name="days_at_home")
        .select("meter", "weekday", "period", "days", "days_at_home")
        .sort("meter", "weekday", "period")
    )


def calendar_of_days(days: pl.DataFrame, areas: pl.DataFrame, *, least_meters: int = LEAST_METERS) -> pl.DataFrame:
    """Calendar from the days of `contact_days`, for callers that have them; see `contact_calendar`."""
    refuse_missing_columns(areas, ["meter", "area"], "areas")
    refuse_repeated(areas, ["meter"], "areas")
    if least_meters < LEAST_METERS:
        message = f"least_meters is {least_meters}, expected {LEAST_METERS} or more"
        raise ValueError(message)
    signs = days.join(areas.select("meter", "area"), on="meter", how="left")
    if (missing := signs.filter(pl.col("area").is_null())).height:
        message = f"areas: meter {missing['meter'][0]} has no area, expected one for each meter"
        raise ValueError(message)
    if (found := signs["meter"].n_unique()) < least_meters:
        message = f"meter_days: found {found} meters, expected {least_meters} or more"
        raise ValueError(message)
    whole = signs.with_columns(area=pl.lit(None, signs.schema["area"]))
    return (
        pl.concat([signs, whole])
        .group_by("area", "weekday", "period")
        .agg(meters=pl.col("meter").n_unique(), chance=pl.col("days_at_home").sum() / pl.col("days").sum())
        .with_columns(least=pl.col("meters").min().over("area"))
        .filter(pl.col("least") >= least_meters)
        .drop("least")
        .sort("area", "weekday", "period")
    )
