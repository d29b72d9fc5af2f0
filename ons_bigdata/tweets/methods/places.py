"""Places of users: what becomes of each event of a bucket, and the cluster of those that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.tweets.methods.clustering import Variant, cluster_events
from ons_bigdata.tweets.methods.geodesy import to_british_national_grid
from ons_bigdata.tweets.methods.local_time import add_local_time
from ons_bigdata.tweets.methods.robots import RobotRules, find_robots

if TYPE_CHECKING:
    from collections.abc import Mapping

FATES = ("duplicate", "robot", "outside", "valid", "noise")
"""Outcomes of an event: each event has one of them."""

ROBOTS = ("all", "volume")
"""Rules by which robots are out of a recipe: every rule, or the bound on the number of events alone."""

_IDENTITY = ("user_key", "event_id", "data_origin", "source", "ts_utc", "local_date")
_TIME = ("month", "weekday", "hour")


@dataclass(frozen=True)
class ClusterRecipe:
    """Options of the clustering, by name."""

    recipe: str
    eps_m: float
    min_points: int
    is_strict: bool
    is_integer_metres: bool
    variant: Variant
    robots: str = "all"
    """Users who are out as robots: `all` that a rule finds, or those of the rule `volume` alone."""

    def __post_init__(self) -> None:
        if self.robots not in ROBOTS:
            raise ValueError(f"recipe {self.recipe}: robots is {self.robots!r}; known: {', '.join(ROBOTS)}")


def place_events(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Events of the users of a bucket, for each recipe, with their fate and cluster.

    `bucket` has the columns of GeoEvent, sorted by user and time. `parameters` has `recipes` (columns of the frame
    ClusterRecipe), `robot_rules` (values by `rule_parameter`) and `robot_clients` (names).

    Of several events of a user in a second, and of rows with the same event, the first is kept; the rest are
    duplicates, as in the pilot of 2015. Then robots are out, then events outside the coverage of OSTN15. The rest is
    clustered: `fate` is `valid` or `noise`. Noise is grouped by reach, too; its groups are numbered after the valid
    clusters.

    Columns of the result: recipe, user_key, event_id, data_origin, source, ts_utc, local_date, fate, robot_rule; of
    kept events also month, weekday, hour, easting_m and northing_m (metres, truncated where the recipe says) and
    cluster (Int32).
    """
    recipes = [ClusterRecipe(**recipe) for recipe in parameters["recipes"]]
    rules = RobotRules.from_parameters(parameters["robot_rules"], parameters["robot_clients"])
    events = add_local_time(bucket).with_columns(_is_duplicate(bucket))
    distinct = events.filter(~pl.col("is_duplicate"))
    distinct = distinct.join(find_robots(distinct, rules), on="user_key", how="left", maintain_order="left")
    if any(recipe.robots == "volume" for recipe in recipes):
        easting_m, northing_m = _grid(distinct, distinct["robot_rule"].ne_missing("volume"))
    else:
        easting_m, northing_m = _grid(distinct, distinct["robot_rule"].is_null())
    distinct = distinct.with_columns(easting_m, northing_m)
    duplicates = events.filter("is_duplicate").select(*_IDENTITY, fate=pl.lit("duplicate"))
    del events
    parts = []
    for robots in ROBOTS:
        of_robots = [recipe for recipe in recipes if recipe.robots == robots]
        if not of_robots:
            continue
        left_out, kept = _sorted_out(distinct, robots)
        for recipe in of_robots:
            both = pl.concat([duplicates, left_out, _cluster(kept, recipe)], how="diagonal")
            parts.append(both.select(pl.lit(recipe.recipe).alias("recipe"), *_columns(both)))
    return pl.concat(parts).sort("user_key", maintain_order=True)


def _sorted_out(distinct: pl.DataFrame, robots: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events of robots and outside the coverage, with their fate, and the events that are kept."""
    if robots == "volume":
        by_volume = pl.col("robot_rule") == "volume"
        distinct = distinct.with_columns(pl.when(by_volume).then("robot_rule").alias("robot_rule"))
    is_robot, is_outside = pl.col("robot_rule").is_not_null(), pl.col("easting_m").is_null()
    left_out = pl.concat(
        [
            distinct.filter(is_robot).select(*_IDENTITY, "robot_rule", fate=pl.lit("robot")),
            distinct.filter(~is_robot & is_outside).select(*_IDENTITY, fate=pl.lit("outside")),
        ],
        how="diagonal",
    )
    kept = distinct.filter(~is_robot & ~is_outside).select(*_IDENTITY, *_TIME, "easting_m", "northing_m")
    return left_out, kept


def _columns(frame: pl.DataFrame) -> list[str]:
    """Columns of the result but the recipe, in one order."""
    order = [*_IDENTITY, "fate", "robot_rule", *_TIME, "easting_m", "northing_m", "cluster"]
    assert set(order) == set(frame.columns)  # noqa: S101
    return order


def _is_duplicate(bucket: pl.DataFrame) -> pl.Series:
    """Mask of events that are not the first of their user in their second, or that came before."""
    second = pl.col("ts_utc").dt.epoch("s")
    same_second = (pl.col("user_key") == pl.col("user_key").shift(1)) & (second == second.shift(1))
    return bucket.select(
        (same_second.fill_null(value=False) | ~pl.col("event_id").is_first_distinct()).alias("is_duplicate")
    ).to_series()


def _grid(events: pl.DataFrame, mask: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Easting and northing in metres of the events of a mask; null for the others and outside the coverage."""
    wanted = mask.to_numpy()
    grid = [np.full(events.height, np.nan) for _ in range(2)]
    for axis, values in zip(
        grid,
        to_british_national_grid(events["lon"].to_numpy()[wanted], events["lat"].to_numpy()[wanted]),
        strict=True,
    ):
        axis[wanted] = values
    easting_m, northing_m = (pl.Series(axis, nan_to_null=True) for axis in grid)
    return easting_m.alias("easting_m"), northing_m.alias("northing_m")


def _cluster(kept: pl.DataFrame, recipe: ClusterRecipe) -> pl.DataFrame:
    """Kept events with `cluster` and `fate`, valid clusters first."""
    events = kept.rename({"user_key": "user"})
    if recipe.is_integer_metres:
        events = events.with_columns(pl.col("easting_m").cast(pl.Int64), pl.col("northing_m").cast(pl.Int64))
        events = events.with_columns(pl.col("easting_m", "northing_m").cast(pl.Float64))
    clustered = cluster_events(
        events, eps_m=recipe.eps_m, min_points=recipe.min_points, strict=recipe.is_strict, variant=recipe.variant
    )
    noise = clustered["cluster"].is_null()
    groups = cluster_events(events.filter(noise), eps_m=recipe.eps_m, min_points=1, strict=recipe.is_strict)["cluster"]
    valid = (
        clustered.lazy()
        .group_by("user")
        .agg((pl.col("cluster").max() + 1).fill_null(0).cast(pl.Int32).alias("valid_clusters"))
        .collect()
    )
    numbered = clustered.with_columns(
        pl.when(noise).then(pl.lit("noise")).otherwise(pl.lit("valid")).alias("fate"),
        _scattered(groups, noise).alias("group"),
    ).join(valid, on="user", how="left", maintain_order="left")
    return numbered.with_columns(pl.coalesce("cluster", pl.col("valid_clusters") + pl.col("group"))).select(
        pl.exclude("group", "valid_clusters").name.map(lambda name: "user_key" if name == "user" else name)
    )


def _scattered(values: pl.Series, mask: pl.Series) -> pl.Series:
    """Values in the rows of a mask, null in the rest."""
    rows = np.zeros(mask.len(), dtype=np.int32)
    rows[mask.to_numpy()] = values.to_numpy()
    return pl.DataFrame({"value": rows, "mask": mask}).select(pl.when("mask").then("value")).to_series()
