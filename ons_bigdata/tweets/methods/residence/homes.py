"""The main home of a user: one cluster among the residential ones, by evenings, nights and the places around it."""

from __future__ import annotations

import polars as pl

from ons_bigdata.tweets.methods.residence.spells import RESIDENTIAL, checked_clusters, checked_events
from ons_bigdata.tweets.schemas.residence import HomeCluster

EVENING_FROM, MORNING_TO = 19, 8
"""Hours of the day from and to which people are mostly at home."""
NIGHT_WEIGHT = 0.5
APART_M = 1_000.0
"""Distance in metres from which on two clusters are at different homes."""
RIVAL_SHARE = 0.2
"""Score of a second home, as a share of that of the first, from which on the time at both counts."""
LONGER = 1.1
"""Time at the second home, as a multiple of that at the first, from which on it is the main home."""
_KEY = ["user_key", "cluster"]
_COLUMNS = (*_KEY, "class_group", "output_area", "authority", "easting_m", "northing_m")


def home_clusters(
    events: pl.DataFrame | pl.LazyFrame, clusters: pl.DataFrame | pl.LazyFrame, *, reach_m: float = 5_000.0
) -> pl.DataFrame:
    """Main home of each user with a residential cluster: one row per user.

    `events`: user_key, cluster, local_date, hour (0–23, Europe/London); events of clusters that `clusters` does not
    list do not count. `clusters`: one row per user and cluster, of all classes, with user_key, cluster, class_group,
    output_area, authority, easting_m and northing_m (metres, mean position). Groups of noise should be among them, with
    no class group: a place visited once or twice says where somebody lives, too.

    The home is the residential cluster (class group residential or hall) of the largest score: days with events from
    19 to 8 h plus half of the events from 0 to 8 h, times the number of the user's clusters within `reach_m`, this one
    included, times the root of one more than the events at the others of these. Ties: more events, more days, then the
    smaller number.

    Who moved has two such homes, and posts at one more than at the other. So the best cluster more than `APART_M` away
    is the home instead, if its score is at least `RIVAL_SHARE` of the largest and the user lived there `LONGER`: time
    between two evenings or nights with events at either (clusters within `APART_M` included) is halved between them.

    Returns the frame HomeCluster (user_key, cluster, output_area, authority, events, days, score, share), sorted by
    user; `share` is that of the user's scores. Raises ValueError on missing columns or values, and on a reach that is
    not positive.

    Source: score made for this project, on the rest and leisure hours of Efstathiades, Antoniades, Pallis, Dikaiakos
    (ASONAM 2015) and the decay of visits with the distance from home. Compared with four published recipes:
    docs/tweets/residence/homes.md.
    """
    if not reach_m > 0:
        message = f"reach_m is {reach_m}; expected a positive number of metres"
        raise ValueError(message)
    places = checked_clusters(clusters, _COLUMNS)
    events = checked_events(events, (*_KEY, "local_date", "hour"))
    counted = (
        events.join(places.select(_KEY), on=_KEY, how="semi")
        .group_by(_KEY)
        .agg(
            events=pl.len().cast(pl.Int64),
            days=pl.col("local_date").n_unique().cast(pl.Int64),
            evening_days=pl.col("local_date")
            .filter((pl.col("hour") >= EVENING_FROM) | (pl.col("hour") < MORNING_TO))
            .n_unique(),
            night_events=(pl.col("hour") < MORNING_TO).sum(),
        )
    )
    visited = places.join(counted, on=_KEY)
    homes = visited.filter(pl.col("class_group").is_in(RESIDENTIAL))
    at_rest = pl.col("evening_days") + NIGHT_WEIGHT * pl.col("night_events")
    score = at_rest * pl.col("places_around") * (1 + pl.col("events_around")).sqrt()
    ranked = (
        homes.join(_surroundings(homes, visited, reach_m), on=_KEY)
        .with_columns(score=score.cast(pl.Float64))
        .with_columns(share=pl.col("score") / pl.col("score").sum().over("user_key"))
        .with_columns(pl.col("share").fill_nan(0.0))
        .sort("user_key", "score", "events", "days", "cluster", descending=[False, True, True, True, False])
    )
    first = ranked.unique("user_key", keep="first", maintain_order=True)
    from_first = ranked.join(
        first.select("user_key", "easting_m", "northing_m", best="score"), on="user_key", suffix="_other"
    )
    rivals = from_first.filter(_apart() > APART_M, pl.col("score") >= RIVAL_SHARE * pl.col("best")).unique(
        "user_key", keep="first", maintain_order=True
    )
    moved = _longer_at_the_second(events, ranked, first, rivals)
    homes = pl.concat(
        [
            first.join(moved, on="user_key", how="anti").select(HomeCluster.column_names()),
            rivals.join(moved, on="user_key", how="semi").select(HomeCluster.column_names()),
        ]
    )
    return HomeCluster.validate(homes.sort("user_key"), cast=True)


def _apart() -> pl.Expr:
    """Distance in metres from the cluster of a row to the other one."""
    return (
        (pl.col("easting_m") - pl.col("easting_m_other")) ** 2
        + (pl.col("northing_m") - pl.col("northing_m_other")) ** 2
    ).sqrt()


def _longer_at_the_second(
    events: pl.DataFrame, homes: pl.DataFrame, first: pl.DataFrame, second: pl.DataFrame
) -> pl.DataFrame:
    """Users (user_key) who lived longer at the second of two homes, as evenings and nights with events show it."""
    near = [
        homes.join(anchor.select("user_key", "easting_m", "northing_m"), on="user_key", suffix="_other")
        .filter(_apart() <= APART_M)
        .select(*_KEY, is_second=pl.lit(number == 1))
        for number, anchor in enumerate((first.join(second, on="user_key", how="semi"), second))
    ]
    places = pl.concat(near).unique(_KEY, keep="first", maintain_order=True)  # near both: of the first
    is_home_time = (pl.col("hour") >= EVENING_FROM) | (pl.col("hour") < MORNING_TO)
    days = (
        events.filter(is_home_time)
        .join(places, on=_KEY)
        .group_by("user_key", "local_date", "is_second")
        .len()
        .sort("user_key", "local_date", "len", "is_second", descending=[False, False, True, False])
        .unique(["user_key", "local_date"], keep="first", maintain_order=True)
    )
    gap = pl.col("local_date").diff().over("user_key").dt.total_days()
    time = (gap.fill_null(0) + gap.shift(-1).over("user_key").fill_null(0)) / 2
    return (
        days.with_columns(time=time)
        .group_by("user_key")
        .agg(
            *(pl.col("time").filter(pl.col("is_second") == second).sum().alias(str(second)) for second in (False, True))
        )
        .filter(pl.col("True") > LONGER * pl.col("False"))
        .select("user_key")
    )


def _surroundings(homes: pl.DataFrame, visited: pl.DataFrame, reach_m: float) -> pl.DataFrame:
    """Places and events of the user within reach of each residential cluster.

    Columns: user_key, cluster, places_around (clusters, this one included), events_around (at the others).
    """
    others = visited.select("user_key", "easting_m", "northing_m", there="cluster", events_there="events")
    is_other = pl.col("there") != pl.col("cluster")
    return (
        homes.select(*_KEY, "easting_m", "northing_m")
        .join(others, on="user_key", suffix="_other")
        .filter(_apart() <= reach_m)
        .group_by(_KEY)
        .agg(places_around=pl.len(), events_around=pl.col("events_there").filter(is_other).sum())
    )
