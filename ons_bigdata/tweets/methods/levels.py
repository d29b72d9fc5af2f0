"""The pilot's levels of placed events: users, clusters and events, with the hours and months of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.tweets.schemas.places import TweetCluster, TweetClusterHour, TweetClusterMonth

if TYPE_CHECKING:
    from collections.abc import Callable

    import dataframely as dy
    from numpy.typing import NDArray

_EVENTS = pl.len().cast(pl.Int64).alias("events")
_HOURS_OF_DAY, _HOURS_OF_WEEK = 24, 168


def tweet_users(placed: pl.DataFrame, *, parameters_hash: str) -> pl.DataFrame:
    """Users, a row for each and recipe (frame TweetUser), of the events that `place_events` returns."""
    fates = {
        "duplicates": "duplicate",
        "robot_events": "robot",
        "outside_events": "outside",
        "clustered_events": "valid",
        "noise_events": "noise",
    }
    users = placed.group_by("recipe", "user_key").agg(
        pl.col("data_origin").first(),
        pl.col("source").first(),
        pl.col("robot_rule").drop_nulls().first(),
        pl.col("local_date").min().alias("first_date"),
        pl.col("local_date").max().alias("last_date"),
        _EVENTS,
        *((pl.col("fate") == fate).sum().cast(pl.Int64).alias(name) for name, fate in fates.items()),
        *(
            pl.col("cluster").filter(pl.col("fate") == fate).n_unique().cast(pl.Int32).alias(f"{fate}_clusters")
            for fate in ("valid", "noise")
        ),
    )
    return users.with_columns(pl.lit(parameters_hash).alias("parameters_hash")).sort("user_key", "recipe")


def tweet_clusters(placed: pl.DataFrame, *, integer_recipes: list[str]) -> pl.DataFrame:
    """Clusters, a row for each (frame TweetCluster), of the events that `place_events` returns.

    The mean position of the `integer_recipes` is truncated to whole metres, as in the pilot of 2015; distances are
    those from that position.
    """
    return _of_each_recipe(
        TweetCluster, _kept(placed), lambda recipe, kept: _clusters(kept, truncate=recipe in integer_recipes)
    )


def _clusters(kept: pl.DataFrame, *, truncate: bool) -> pl.DataFrame:
    groups = _number_clusters(kept)
    days = np.sort(groups.of_row * groups.day_count + groups.day)  # by cluster, then day
    of_day = days // groups.day_count
    starts, ends = _run_bounds(of_day)
    return groups.key().with_columns(
        pl.Series("status", kept["fate"].gather(groups.first_row)),
        pl.Series("events", ends - starts),
        pl.Series("days", np.add.reduceat(_is_first(days), starts, dtype=np.int32)),
        *(
            groups.dates(days[rows] % groups.day_count).alias(name)
            for name, rows in (("first_date", starts), ("last_date", ends - 1))
        ),
        *_positions(kept, groups, ends - starts, truncate=truncate),
    )


def _positions(kept: pl.DataFrame, groups: _Clusters, events: NDArray[np.int64], *, truncate: bool) -> list[pl.Series]:
    """Mean position of each cluster and the spread around it; a single event is its cluster's mean."""
    axes = ("easting_m", "northing_m")
    means = {axis: kept[axis].gather(groups.first_row).to_numpy().copy() for axis in axes}
    in_several = events[groups.of_row] > 1
    several = kept.select(*axes).with_columns(cluster=groups.of_row).filter(pl.Series(in_several))
    of_several = several.group_by("cluster").agg(pl.col(axes).mean())
    for axis, values in means.items():
        values[of_several["cluster"].to_numpy()] = of_several[axis].to_numpy()
        if truncate:
            np.floor(values, out=values)
    squares = [(kept[axis].to_numpy() - means[axis][groups.of_row]) ** 2 for axis in axes]
    distance = np.sqrt(squares[0] + squares[1])
    of_one = distance[groups.first_row]
    spread = {"max": of_one.copy(), "mean": of_one, "std": np.zeros(events.size)}
    of_several = (
        pl.DataFrame({"cluster": groups.of_row[in_several], "distance": distance[in_several]})
        .group_by("cluster")
        .agg(
            pl.col("distance").max().alias("max"),
            pl.col("distance").mean().alias("mean"),
            pl.col("distance").std(ddof=0).alias("std"),
        )
    )
    for name, values in spread.items():
        values[of_several["cluster"].to_numpy()] = of_several[name].to_numpy()
    return [
        *(pl.Series(axis, values) for axis, values in means.items()),
        *(pl.Series(f"{name}_distance_m", values) for name, values in spread.items()),
    ]


def tweet_events(placed: pl.DataFrame, *, recipes: list[str]) -> pl.DataFrame:
    """Kept events of some recipes with cluster and time, without position (frame TweetEvent)."""
    return _kept(placed.filter(pl.col("recipe").is_in(recipes))).select(
        "recipe",
        "user_key",
        "event_id",
        "data_origin",
        "cluster",
        pl.col("fate").alias("status"),
        "ts_utc",
        "local_date",
        "month",
        "weekday",
        "hour",
    )


def tweet_cluster_hours(placed: pl.DataFrame) -> pl.DataFrame:
    """Events of valid clusters by weekday and hour (frame TweetClusterHour)."""
    return _of_each_recipe(TweetClusterHour, _valid(placed), lambda _, valid: _hours(valid))


def _hours(valid: pl.DataFrame) -> pl.DataFrame:
    groups = _number_clusters(valid)
    hour_of_week = (valid["weekday"] - 1) * _HOURS_OF_DAY + valid["hour"]
    hours = groups.of_row * _HOURS_OF_WEEK + hour_of_week.to_numpy()
    days = np.sort(hours * groups.day_count + groups.day)  # by cluster, hour of the week, then day
    of_day = days // groups.day_count
    starts, ends = _run_bounds(of_day)
    cluster, hour = np.divmod(of_day[starts], _HOURS_OF_WEEK)
    weekday, hour = np.divmod(hour, _HOURS_OF_DAY)
    return groups.key(cluster).with_columns(
        pl.Series("weekday", weekday + 1, pl.Int32),
        pl.Series("hour", hour, pl.Int32),
        pl.Series("events", ends - starts),
        pl.Series("days", np.add.reduceat(_is_first(days), starts, dtype=np.int32)),
    )


def tweet_cluster_months(placed: pl.DataFrame) -> pl.DataFrame:
    """Events of valid clusters by month (frame TweetClusterMonth)."""
    return _of_each_recipe(TweetClusterMonth, _valid(placed), lambda _, valid: _months(valid))


def _months(valid: pl.DataFrame) -> pl.DataFrame:
    groups = _number_clusters(valid)
    days = np.sort(groups.of_row * groups.day_count + groups.day)
    cluster, day = np.divmod(days, groups.day_count)
    every_day = groups.dates(np.arange(groups.day_count)).dt.month_start()
    month_of_day = every_day.cast(pl.Int32).to_numpy()
    starts, ends = _run_bounds(cluster, month_of_day[day])
    return groups.key(cluster[starts]).with_columns(
        every_day.gather(day[starts]).alias("month"),
        pl.Series("events", ends - starts),
        pl.Series("days", np.add.reduceat(_is_first(days), starts, dtype=np.int32)),
    )


@dataclass(frozen=True)
class _Clusters:
    """Clusters of a recipe, numbered by user and cluster, and where each row and each cluster belongs."""

    of_row: NDArray[np.int64]
    """Number of the cluster of each row."""
    first_row: NDArray[np.int64]
    """A row of each cluster."""
    day: NDArray[np.int64]
    """Day of each row, from the first one on."""
    day_count: int
    first_day: int
    """Days since 1970."""
    _keys: pl.DataFrame

    def key(self, clusters: NDArray[np.int64] | None = None) -> pl.DataFrame:
        """User, origin and cluster, of all clusters or some."""
        rows = self.first_row if clusters is None else self.first_row[clusters]
        return self._keys.select(pl.all().gather(rows))

    def dates(self, days: NDArray[np.int64]) -> pl.Series:
        """Dates of days."""
        return pl.Series((days + self.first_day).astype(np.int32)).cast(pl.Date)


def _number_clusters(rows: pl.DataFrame) -> _Clusters:
    """Number the clusters of events of a recipe, sorted by user. A user's clusters are 0, 1, … without a gap."""
    users, cluster = rows["user_key"].to_numpy(), rows["cluster"].to_numpy().astype(np.int64)
    starts, ends = _run_bounds(users)
    counts = np.maximum.reduceat(cluster, starts) + 1
    of_row = cluster + np.repeat(np.cumsum(counts) - counts, ends - starts)
    first_row = np.full(int(counts.sum()), -1)
    first_row[of_row] = np.arange(of_row.size)
    day = rows["local_date"].to_physical().to_numpy().astype(np.int64)
    first_day = int(day.min())
    keys = rows.select("user_key", "data_origin", "cluster")
    return _Clusters(of_row, first_row, day - first_day, int(day.max()) - first_day + 1, first_day, keys)


def _run_bounds(*keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Begin and end of each run of rows with equal keys."""
    is_first = _is_first(*keys)
    starts = np.flatnonzero(is_first)
    return starts, np.append(starts[1:], is_first.size)


def _is_first(*keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask of the rows that differ from the row before in any key."""
    is_first = np.ones(keys[0].size, dtype=np.bool_)
    is_first[1:] = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        is_first[1:] |= key[1:] != key[:-1]
    return is_first


def _of_each_recipe(
    frame: type[dy.Schema], placed: pl.DataFrame, compute: Callable[[str, pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Rows of a frame of each recipe, sorted by user and recipe; `placed` is sorted by user."""
    parts: list[pl.DataFrame] = [frame.create_empty()]
    for recipe in placed["recipe"].unique().sort():
        rows = compute(recipe, placed.filter(pl.col("recipe") == recipe))
        parts.append(rows.select(pl.lit(recipe).alias("recipe"), pl.all()).select(frame.column_names()))
    return pl.concat(parts).sort("user_key", maintain_order=True)


def _kept(placed: pl.DataFrame) -> pl.DataFrame:
    return placed.filter(pl.col("cluster").is_not_null())


def _valid(placed: pl.DataFrame) -> pl.DataFrame:
    return placed.filter(pl.col("fate") == "valid")
