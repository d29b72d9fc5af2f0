"""Residence of users by month, with weights for the chance of being observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.tweets.methods.residence.observation import (
    ObservationModel,
    collection_days,
    fit_observation_model,
)
from ons_bigdata.tweets.methods.residence.spells import RESIDENTIAL, checked_clusters, checked_events
from ons_bigdata.tweets.schemas.residence import MonthlyResidence

if TYPE_CHECKING:
    from datetime import date

NIGHT_FROM, NIGHT_TO = 22, 6
_PLACE = ("cluster", "output_area", "authority")


def monthly_residence(  # noqa: PLR0913
    events: pl.DataFrame | pl.LazyFrame,
    clusters: pl.DataFrame | pl.LazyFrame,
    outages: pl.DataFrame | pl.LazyFrame,
    *,
    first_date: date,
    last_date: date,
    min_events: int = 3,
    max_gap_months: int = 1,
    least_chance: float = 0.1,
    max_weight: float = 20.0,
    model: ObservationModel | None = None,
) -> pl.DataFrame:
    """Residence of each user and month, and the weight of each observed one.

    `events` (of one recipe, from `first_date` to `last_date`, both included): user_key, cluster, local_date, hour
    (0–23, Europe/London). `clusters`: one row per user and valid cluster with user_key, cluster, class_group,
    output_area, authority. `outages`: started_at, ended_at (UTC), authority (null: all).

    A user is resident at a residential cluster (class group residential or hall) with at least `min_events` events of
    the month; of several at that with most events, then most days, then the larger share of 22–6 h, then the smaller
    number. A gap of at most `max_gap_months` months between observed months of one authority is `carried`: cluster and
    output area where those before and after agree, else null. Other months between observed ones are `missing`; there
    are no rows before the first and after the last observed month, and none for users without one.

    Weights: `probability_observed` is the chance that the month's largest residential cluster has `min_events` events,
    given the events of the user's other months and the days of collection (`ObservationModel`, fitted to these events
    unless `model` is given). `weight` is its inverse, at most `max_weight`, for users whose chance without outages is
    at least `least_chance`: the sum estimates how many such users live in an area, whether they were observed or not.
    `outage_weight` removes the outages alone: the sum estimates what would have been observed without them.

    Returns the frame MonthlyResidence, sorted by user and month. Raises ValueError on missing columns or values, a
    date outside the period, repeated clusters and options out of range.

    Source: ONS pilot of 2014 (GSS Methodology Series 41) for the minimum of events; inverse probability weights:
    Horvitz, Thompson, JASA 47 (1952) 663–685. Model and assumptions: docs/tweets/residence/monthly_residence.md.
    """
    _refuse_options(min_events, max_gap_months, least_chance, max_weight)
    checked = checked_events(events, ("user_key", "cluster", "local_date", "hour"))
    outside = checked.filter(~pl.col("local_date").is_between(first_date, last_date))
    if not outside.is_empty():
        message = (
            f"events: {outside.height} of {checked.height} rows outside {first_date} to {last_date}; the first on "
            f"{outside['local_date'][0]}"
        )
        raise ValueError(message)
    places = checked_clusters(clusters).filter(pl.col("class_group").is_in(RESIDENTIAL)).drop("class_group")
    largest = _largest_clusters(checked, places)
    days = collection_days(largest["authority"].fill_null(""), outages, first_date=first_date, last_date=last_date)
    table = _user_months(largest, days, min_events)
    if model is None:
        model = fit_observation_model(table, min_events=min_events)
    chances = _with_chances(table, model, min_events)
    rows = _carried(chances, max_gap_months).with_columns(
        weight=pl.when(pl.col("is_observed") & (pl.col("probability_without_outages") >= least_chance)).then(
            (1 / pl.col("probability_observed")).clip(1.0, max_weight)
        ),
        outage_weight=pl.when("is_observed").then(
            (pl.col("probability_without_outages") / pl.col("probability_observed")).clip(1.0, max_weight)
        ),
    )
    return MonthlyResidence.validate(rows.select(MonthlyResidence.column_names()).sort("user_key", "month"), cast=True)


def _refuse_options(min_events: int, max_gap_months: int, least_chance: float, max_weight: float) -> None:
    faults = {
        f"min_events is {min_events}; expected at least 1": min_events < 1,
        f"max_gap_months is {max_gap_months}; expected 0 or more": max_gap_months < 0,
        f"least_chance is {least_chance}; expected more than 0 and less than 1": not 0 < least_chance < 1,
        f"max_weight is {max_weight}; expected at least 1": not max_weight >= 1,
    }
    for message, is_fault in faults.items():
        if is_fault:
            raise ValueError(message)


def _largest_clusters(events: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Largest residential cluster of each user and month with events at one."""
    night = (pl.col("hour") >= NIGHT_FROM) | (pl.col("hour") < NIGHT_TO)
    return (
        events.join(places, on=["user_key", "cluster"])
        .group_by("user_key", pl.col("local_date").dt.month_start().alias("month"), *_PLACE)
        .agg(
            events=pl.len().cast(pl.Int64),
            active_days=pl.col("local_date").n_unique(),
            night_share=night.mean(),
        )
        .sort(
            *("user_key", "month", "events", "active_days", "night_share", "cluster"),
            descending=[False, False, True, True, True, False],
        )
        .unique(["user_key", "month"], keep="first", maintain_order=True)
        .drop("active_days", "night_share")
    )


def _user_months(largest: pl.DataFrame, days: pl.DataFrame, min_events: int) -> pl.DataFrame:
    """All months of the period for each user, with events and days of collection of this and the other months.

    In a month without events at a residential cluster the days are those of the authority of the last such month
    before, or else of the first one after.
    """
    grid = largest.select("user_key").unique().join(days.select("month").unique(), how="cross")
    rows = (
        grid.join(largest, on=["user_key", "month"], how="left")
        .sort("user_key", "month")
        .with_columns(
            pl.col("events").fill_null(0),
            exposed=pl.when(pl.col("events").is_not_null()).then(pl.col("authority").fill_null("")),
        )
        .with_columns(exposed=pl.col("exposed").forward_fill().backward_fill().over("user_key"))
        .join(days.rename({"authority": "exposed"}), on=["exposed", "month"], how="left", maintain_order="left")
    )
    return rows.with_columns(
        is_observed=pl.col("events") >= min_events,
        other_events=pl.col("events").sum().over("user_key") - pl.col("events"),
        other_days=(pl.col("days").sum().over("user_key") - pl.col("days")).clip(0.0),
    )


def _with_chances(table: pl.DataFrame, model: ObservationModel, min_events: int) -> pl.DataFrame:
    other_events, other_days = (table[name].cast(pl.Float64).to_numpy() for name in ("other_events", "other_days"))
    return table.with_columns(
        pl.Series(name, model.chance(other_events, other_days, table[column].to_numpy(), min_events))
        for name, column in (("probability_observed", "days"), ("probability_without_outages", "period_days"))
    )


def _carried(table: pl.DataFrame, max_gap_months: int) -> pl.DataFrame:
    """Rows from the first to the last observed month of each user, with status and the place that is known.

    `table` is sorted by user and month and has every month of the period.
    """
    observed = pl.when("is_observed").then("row")
    sides = (
        table.with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .with_columns(
            before=observed.forward_fill().over("user_key"),
            after=observed.backward_fill().over("user_key"),
        )
        .filter(pl.col("before").is_not_null(), pl.col("after").is_not_null())
    )
    places = table.select(*_PLACE)
    before, after = places[sides["before"]], places[sides["after"]]
    is_gap = sides["after"] - sides["before"] - 1 <= max_gap_months
    is_same = (before["authority"] == after["authority"]).fill_null(value=False)
    status = (
        pl.when("is_observed")
        .then(pl.lit("observed"))
        .when(is_gap & is_same)
        .then(pl.lit("carried"))
        .otherwise(pl.lit("missing"))
    )
    agreed = {
        name: pl.select(pl.when((before[name] == after[name]) & is_gap & is_same).then(before[name])).to_series()
        for name in _PLACE
    }
    return sides.with_columns(
        *(pl.when("is_observed").then(pl.col(name)).otherwise(agreed[name]).alias(name) for name in _PLACE),
        status=status,
    )
