"""Chance that a user reaches the least number of events of a month: days of collection, model, fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.optimize import minimize

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_rows

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

LONDON = "Europe/London"
PRIOR_OF_LOGARITHMS = {"prior_events": 0.5, "prior_days": 30.0, "monthly_shape": 3.0, "share_absent": 0.03}
"""Centres of the priors of the parameters; log-normal (log-odds for the share) with a standard deviation of 1.5."""
PRIOR_SD = 1.5


@dataclass(frozen=True)
class ObservationModel:
    """Distribution of the events of a user at the residential cluster of a month, given the user's other months.

    With probability `share_absent` none; else negative binomial of mean (y + `prior_events`) / (d + `prior_days`) × e,
    where y are the events of the other months, d their days of collection and e those of the month. The squared
    coefficient of variation of its gamma rate is 1 / `monthly_shape` (a user is livelier in some months than in
    others) plus 1 / (y + `prior_events`) (the rate is estimated from y events).
    """

    prior_events: float
    prior_days: float
    monthly_shape: float
    share_absent: float

    def __post_init__(self) -> None:
        """Raise ValueError if a parameter is out of bounds."""
        for name in ("prior_events", "prior_days", "monthly_shape"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                message = f"{name} is {getattr(self, name)}; expected a positive number"
                raise ValueError(message)
        if not 0 <= self.share_absent < 1:
            message = f"share_absent is {self.share_absent}; expected a share below 1"
            raise ValueError(message)

    def chance(
        self,
        other_events: NDArray[np.float64],
        other_days: NDArray[np.float64],
        days: NDArray[np.float64],
        min_events: int,
    ) -> NDArray[np.float64]:
        """Probability of at least `min_events` events in `days` days of collection; 0 without any."""
        events = other_events + self.prior_events
        mean = events / (other_days + self.prior_days) * days
        size = 1 / (1 / self.monthly_shape + 1 / events)
        probability = (size / (size + mean)) ** size
        below = np.zeros_like(mean)
        for number in range(min_events):
            below += probability
            probability = probability * (size + number) / (number + 1) * mean / (size + mean)
        return np.clip((1 - self.share_absent) * (1 - below), 0.0, 1.0)


def fit_observation_model(table: pl.DataFrame, *, min_events: int) -> ObservationModel:
    """Model that makes most likely which months of users reached the minimum.

    `table`: other_events, other_days, days (of collection) and is_observed, one row per user and month; rows without
    events in other months say nothing and are left out. Parameters have weak priors (`PRIOR_OF_LOGARITHMS`), which rule
    where there are few rows. Deterministic.
    """
    grouped = (
        table.filter(pl.col("other_events") > 0, pl.col("days") > 0)
        .group_by("other_events", pl.col("other_days").round(0), pl.col("days").round(1))
        .agg(rows=pl.len(), observed=pl.col("is_observed").sum())
        .sort("other_events", "other_days", "days")
    )
    other_events, other_days, days, rows, observed = (
        grouped[name].cast(pl.Float64).to_numpy() for name in ("other_events", "other_days", "days", "rows", "observed")
    )
    centres = np.array(
        [
            *(np.log(PRIOR_OF_LOGARITHMS[name]) for name in ("prior_events", "prior_days", "monthly_shape")),
            np.log(PRIOR_OF_LOGARITHMS["share_absent"] / (1 - PRIOR_OF_LOGARITHMS["share_absent"])),
        ]
    )

    def loss(point: NDArray[np.float64]) -> float:
        chance = np.clip(_model(point).chance(other_events, other_days, days, min_events), 1e-9, 1 - 1e-9)
        likelihood = np.sum(observed * np.log(chance) + (rows - observed) * np.log1p(-chance))
        return float(0.5 * np.sum(((point - centres) / PRIOR_SD) ** 2) - likelihood)

    return _model(minimize(loss, centres, method="L-BFGS-B", bounds=[(c - 6, c + 6) for c in centres]).x)


def _model(point: NDArray[np.float64]) -> ObservationModel:
    events, days, shape = map(float, np.exp(point[:3]))
    return ObservationModel(events, days, shape, share_absent=float(1 / (1 + np.exp(-point[3]))))


def collection_days(
    authorities: pl.Series, outages: pl.DataFrame | pl.LazyFrame, *, first_date: date, last_date: date
) -> pl.DataFrame:
    """Days of collection of each authority and month (Europe/London) from `first_date` to `last_date`, both included.

    `outages`: started_at, ended_at (Datetime with time zone) and authority (null: all of them); they may overlap.
    Returns authority, month (first day), period_days (without outages) and days (Float64, outages off), sorted.
    Raises ValueError on missing columns, times without zone, an outage that ends before it starts.
    """
    outages = eager_frame(outages, "outages")
    refuse_missing_columns(outages, ("started_at", "ended_at", "authority"), "outages")
    for column in ("started_at", "ended_at"):
        dtype = outages.schema[column]
        if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
            message = f"outages: column {column} is {dtype}; expected Datetime with time zone"
            raise ValueError(message)
    refuse_rows(
        outages,
        {
            "no time": pl.col("started_at").is_null() | pl.col("ended_at").is_null(),
            "an end before the start": pl.col("ended_at") < pl.col("started_at"),
        },
        "outages",
    )
    if last_date < first_date:
        message = f"last_date {last_date} is before first_date {first_date}"
        raise ValueError(message)
    months = _months(first_date, last_date)
    areas = pl.DataFrame({"authority": authorities.unique().sort()})
    lost = _lost_days(_united(areas, outages), months)
    return (
        areas.join(months, how="cross")
        .join(lost, on=["authority", "month"], how="left")
        .select("authority", "month", "period_days", days=pl.col("period_days") - pl.col("lost_days").fill_null(0.0))
        .sort("authority", "month")
    )


def _months(first_date: date, last_date: date) -> pl.DataFrame:
    """Months of a period: month, begin and end of its part of the period (UTC), its days."""
    starts = pl.date_range(first_date.replace(day=1), last_date, "1mo", eager=True).alias("month")

    def midnight(day: pl.Expr) -> pl.Expr:
        return (
            day.cast(pl.Datetime("us")).dt.replace_time_zone(LONDON, ambiguous="earliest").dt.convert_time_zone("UTC")
        )

    end = pl.min_horizontal(pl.col("month").dt.offset_by("1mo"), pl.lit(last_date).dt.offset_by("1d"))
    begin = pl.max_horizontal(pl.col("month"), pl.lit(first_date))
    return pl.DataFrame(starts).select(
        "month",
        begin=midnight(begin),
        end=midnight(end),
        period_days=(end - begin).dt.total_days().cast(pl.Float64),
    )


def _united(areas: pl.DataFrame, outages: pl.DataFrame) -> pl.DataFrame:
    """Outages of each authority without overlaps: authority, started_at, ended_at."""
    times = outages.select(pl.col("authority").cast(areas.schema["authority"]), "started_at", "ended_at").with_columns(
        pl.col("started_at", "ended_at").dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    )
    everywhere = areas.join(times.filter(pl.col("authority").is_null()).drop("authority"), how="cross")
    of_each = pl.concat([everywhere, times.join(areas, on="authority", how="semi")]).sort(
        "authority", "started_at", "ended_at"
    )
    before = pl.col("ended_at").cum_max().shift(1).over("authority")
    return of_each.with_columns(started_at=pl.max_horizontal("started_at", before)).filter(
        pl.col("started_at") < pl.col("ended_at")
    )


def _lost_days(outages: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    crossed = outages.join(months, how="cross")
    overlap = pl.min_horizontal("ended_at", "end") - pl.max_horizontal("started_at", "begin")
    return (
        crossed.with_columns(lost=overlap.dt.total_microseconds() / 86_400e6)
        .filter(pl.col("lost") > 0)
        .group_by("authority", "month")
        .agg(lost_days=pl.col("lost").sum())
    )
