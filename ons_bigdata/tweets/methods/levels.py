"""The pilot's levels of placed events: users, clusters and events, with the hours and months of clusters."""

from __future__ import annotations

import polars as pl

_CLUSTER = ("recipe", "user_key", "data_origin", "cluster")
_DAYS = pl.col("local_date").n_unique().cast(pl.Int32).alias("days")
_EVENTS = pl.len().cast(pl.Int64).alias("events")


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
    kept = _kept(placed)
    truncated = pl.col("recipe").is_in(integer_recipes)
    centres = kept.group_by(_CLUSTER).agg(
        pl.col("fate").first().alias("status"),
        _EVENTS,
        _DAYS,
        pl.col("local_date").min().alias("first_date"),
        pl.col("local_date").max().alias("last_date"),
        pl.col("easting_m").mean().alias("centre_e"),
        pl.col("northing_m").mean().alias("centre_n"),
    )
    centres = centres.with_columns(
        pl.when(truncated).then(pl.col(axis).floor()).otherwise(pl.col(axis)).alias(axis)
        for axis in ("centre_e", "centre_n")
    )
    keys = ["recipe", "user_key", "cluster"]
    squared = (pl.col("easting_m") - pl.col("centre_e")) ** 2 + (pl.col("northing_m") - pl.col("centre_n")) ** 2
    spread = (
        kept.select(*keys, "easting_m", "northing_m")
        .join(centres.select(*keys, "centre_e", "centre_n"), on=keys)
        .with_columns(squared.sqrt().alias("distance"))
        .group_by(keys)
        .agg(
            pl.col("distance").max().alias("max_distance_m"),
            pl.col("distance").mean().alias("mean_distance_m"),
            pl.col("distance").std(ddof=0).alias("std_distance_m"),
        )
    )
    return (
        centres.rename({"centre_e": "easting_m", "centre_n": "northing_m"})
        .join(spread, on=keys)
        .sort("user_key", "recipe", "cluster")
    )


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
    return (
        _valid(placed)
        .group_by(*_CLUSTER, "weekday", "hour")
        .agg(_EVENTS, _DAYS)
        .sort("user_key", "recipe", "cluster", "weekday", "hour")
    )


def tweet_cluster_months(placed: pl.DataFrame) -> pl.DataFrame:
    """Events of valid clusters by month (frame TweetClusterMonth)."""
    return (
        _valid(placed).group_by(*_CLUSTER, "month").agg(_EVENTS, _DAYS).sort("user_key", "recipe", "cluster", "month")
    )


def _kept(placed: pl.DataFrame) -> pl.DataFrame:
    return placed.filter(pl.col("cluster").is_not_null())


def _valid(placed: pl.DataFrame) -> pl.DataFrame:
    return placed.filter(pl.col("fate") == "valid")
