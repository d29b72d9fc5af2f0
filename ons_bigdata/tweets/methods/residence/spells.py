"""Spells of residence: from when to when a user lived in an area, as the events at residential clusters show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_repeated, refuse_rows
from ons_bigdata.tweets.methods.residence.chain import MAX_AREAS, ResidenceChain
from ons_bigdata.tweets.methods.residence.term_time import areas_of_term_clusters, is_in_term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESIDENTIAL = ("residential", "hall")
"""Groups of address classes at which people live."""
EVENT_COLUMNS = ("user_key", "cluster", "local_date", "hour")
EVENING_FROM, MORNING_TO = 18, 9
"""Hours of the day from and to which most people are where they live."""
CLUSTER_COLUMNS = ("user_key", "cluster", "class_group", "output_area", "authority")
_CLUSTER = ["user_key", "cluster"]


def checked_events(events: pl.DataFrame | pl.LazyFrame, columns: Sequence[str] = EVENT_COLUMNS) -> pl.DataFrame:
    """Columns of events without missing values; ValueError otherwise, and on dates that are none."""
    events = eager_frame(events, "events")
    refuse_missing_columns(events, columns, "events")
    if events.schema["local_date"] != pl.Date:
        message = f"events: column local_date is {events.schema['local_date']}; expected Date"
        raise ValueError(message)
    refuse_rows(events.select(columns), {f"no {column}": pl.col(column).is_null() for column in columns}, "events")
    return events.select(columns)


def checked_clusters(clusters: pl.DataFrame | pl.LazyFrame, columns: Sequence[str] = CLUSTER_COLUMNS) -> pl.DataFrame:
    """Columns of clusters, one row per user and cluster; ValueError otherwise."""
    clusters = eager_frame(clusters, "clusters")
    refuse_missing_columns(clusters, columns, "clusters")
    refuse_rows(clusters.select(_CLUSTER), {f"no {key}": pl.col(key).is_null() for key in _CLUSTER}, "clusters")
    refuse_repeated(clusters, _CLUSTER, "clusters")
    return clusters.select(columns)


def residence_spells(
    events: pl.DataFrame | pl.LazyFrame,
    clusters: pl.DataFrame | pl.LazyFrame,
    *,
    level: str = "authority",
    min_days: int = 2,
    min_evening_days: int = 15,
    chain: ResidenceChain | None = None,
) -> pl.DataFrame:
    """Spells of residence of users, in areas of one level.

    `events`: user_key, cluster, local_date, hour (0–23, Europe/London). `clusters`: one row per user and cluster with
    user_key, cluster, class_group and the column `level` (authority or output_area), and perhaps cluster_type. Only
    events at residential clusters with an area count. Areas with a hall or a cluster for study are term-time areas. A
    user's candidate areas are those with such events on at least `min_days` days, at most `MAX_AREAS` with most days.
    On each day with events the likeliest candidate of the chain (`ResidenceChain`) is the residence; days in succession
    with the same residence are a spell.

    Events between 18 and 9 h say more about where somebody lives: of users who have some on at least
    `min_evening_days` days only these count.

    Returns user_key, spell (0, 1, … in order of time), area, first_date and last_date of the events in that area within
    the spell, days (with them), probability (largest of a day of the spell), first_in_term and last_in_term (first and
    last of the days in term, null without any), known_from (second day with events in the area, in any spell), sorted.
    A user without candidates has no row.
    """
    chain = ResidenceChain() if chain is None else chain
    clusters = eager_frame(clusters, "clusters")
    places = checked_clusters(clusters, ("user_key", "cluster", "class_group", level))
    terms = areas_of_term_clusters(clusters, level=level)
    places = places.filter(pl.col("class_group").is_in(RESIDENTIAL), pl.col(level).is_not_null())
    at_homes = checked_events(events).join(places.select(*_CLUSTER, area=level), on=_CLUSTER)
    visits = _telling(at_homes, min_evening_days).select("user_key", "area", "local_date").unique()
    candidates = (
        visits.group_by("user_key", "area")
        .agg(days=pl.len(), known_from=pl.col("local_date").bottom_k(2).max())
        .filter(pl.col("days") >= min_days)
        .sort("user_key", "days", "area", descending=[False, True, False])
        .with_columns(number=pl.int_range(pl.len()).over("user_key"))
        .filter(pl.col("number") < MAX_AREAS)
        .with_columns(areas=pl.len().over("user_key"))
        .join(terms.with_columns(is_term=pl.lit(value=True)), on=["user_key", "area"], how="left")
        .with_columns(pl.col("is_term").fill_null(value=False))
    )
    days = visits.join(candidates, on=["user_key", "area"]).sort("user_key", "local_date", "number")
    known = candidates.select("user_key", "area", "known_from")
    return _spells(_residence_days(days, chain), days).join(
        known, on=["user_key", "area"], how="left", maintain_order="left"
    )


def _telling(events: pl.DataFrame, min_evening_days: int) -> pl.DataFrame:
    """Events of evenings and nights of users who have enough of them, all events of the others."""
    is_evening = (pl.col("hour") >= EVENING_FROM) | (pl.col("hour") < MORNING_TO)
    evening_days = pl.col("local_date").filter(is_evening).n_unique().over("user_key")
    return events.filter(is_evening | (evening_days < min_evening_days))


def _residence_days(visits: pl.DataFrame, chain: ResidenceChain) -> pl.DataFrame:
    """Likeliest residence (number of the candidate) of each day with visits, and its probability."""
    daily = visits.group_by("user_key", "local_date", maintain_order=True).agg(
        pl.col("number"), areas=pl.col("areas").first()
    )
    rows = daily.with_row_index("row").explode("number", empty_as_null=False)
    visited = np.zeros((daily.height, MAX_AREAS), dtype=np.bool_)
    visited[rows["row"].to_numpy(), rows["number"].to_numpy()] = True
    term = _term_candidates(visits, daily["user_key"])
    shares = chain.residences(
        daily["user_key"].rle_id().cast(pl.Int64).to_numpy(),
        daily["local_date"].to_physical().cast(pl.Int64).to_numpy(),
        visited,
        daily["areas"].cast(pl.Int64).to_numpy(),
        term,
    )
    return daily.select(
        "user_key",
        "local_date",
        number=pl.Series(shares.argmax(axis=1), dtype=pl.Int64),
        share=pl.Series(shares.max(axis=1, initial=0.0)),
    ).with_columns(spell=(pl.struct("user_key", "number").rle_id()))


def _term_candidates(visits: pl.DataFrame, users: pl.Series) -> NDArray[np.bool_]:
    """True for the candidates (columns) that are term-time areas of the user of each row; rows of a user are alike."""
    term = np.zeros((len(users), MAX_AREAS), dtype=np.bool_)
    marked = (
        pl.DataFrame({"user_key": users})
        .with_row_index("row")
        .join(visits.filter("is_term").select("user_key", "number").unique(), on="user_key")
    )
    term[marked["row"].to_numpy(), marked["number"].to_numpy()] = True
    return term


def _spells(daily: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Spells of the residences of days, with the dates of the events in their area.

    A spell without such a day, as of a single day on which a residence of the days around is likelier, does not occur:
    the likeliest residence of a spell is visited in it, or else the spells around it are one.
    """
    at_home = daily.join(
        visits.select("user_key", "local_date", pl.col("number").cast(pl.Int64), "area"),
        on=["user_key", "local_date", "number"],
        how="left",
    )
    spells = (
        at_home.group_by("user_key", "spell", "number")
        .agg(
            pl.col("area").drop_nulls().first(),
            first_date=pl.col("local_date").filter(pl.col("area").is_not_null()).min(),
            last_date=pl.col("local_date").filter(pl.col("area").is_not_null()).max(),
            first_in_term=pl.col("local_date")
            .filter(pl.col("area").is_not_null(), is_in_term(pl.col("local_date")))
            .min(),
            last_in_term=pl.col("local_date")
            .filter(pl.col("area").is_not_null(), is_in_term(pl.col("local_date")))
            .max(),
            days=pl.col("area").is_not_null().sum().cast(pl.Int64),
            probability=pl.col("share").max(),
        )
        .filter(pl.col("days") > 0)
        .sort("user_key", "spell")
    )
    merged = spells.with_columns(spell=pl.struct("user_key", "area").rle_id())
    return (
        merged.group_by("user_key", "spell", "area", maintain_order=True)
        .agg(
            pl.col("first_date", "first_in_term").min(),
            pl.col("last_date", "last_in_term").max(),
            pl.col("days").sum(),
            pl.col("probability").max().clip(0.0, 1.0),
        )
        .with_columns(spell=pl.int_range(pl.len()).over("user_key"))
        .select(
            *("user_key", "spell", "area", "first_date", "last_date", "days", "probability"),
            *("first_in_term", "last_in_term"),
        )
    )
