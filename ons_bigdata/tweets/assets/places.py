"""Places of users: the lake's events, clustered bucket by bucket, into the pilot's levels."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.platform.dagster.bucket_assets import BucketMethod, bucket_tables_asset
from ons_bigdata.platform.dagster.inputs import Table
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake.engine import RowsRead
from ons_bigdata.tweets.methods import levels
from ons_bigdata.tweets.methods.places import place_events
from ons_bigdata.tweets.schemas import places
from ons_bigdata.tweets.sources.archives import GEO_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.platform.dagster.inputs import Inputs

USERS = "restricted.tweet_users"
CLUSTERS = "restricted.tweet_clusters"
EVENTS = "restricted.tweet_events"
HOURS = "restricted.tweet_cluster_hours"
MONTHS = "restricted.tweet_cluster_months"

PLACED_COLUMNS = (
    *("user_key", "event_id", "ts_utc", "data_origin", "source", "lon", "lat", "client"),
    *("load_id", "line"),  # by which equal rows are sorted
)
"""Columns of the lake's events that become places."""


@bucket_tables_asset(
    name="tweet_places",
    lake_table=GEO_EVENTS,
    tables=[
        Table(USERS, places.TweetUser, "One row per user and recipe: what became of the user's events."),
        Table(CLUSTERS, places.TweetCluster, "One row per cluster of a user and recipe: its place and spread."),
        Table(
            EVENTS,
            places.TweetEvent,
            "One row per event of a user who is no robot, within coverage, and recipe with events: cluster and time, "
            "no position.",
        ),
        Table(HOURS, places.TweetClusterHour, "One row per valid cluster, weekday and hour with events."),
        Table(MONTHS, places.TweetClusterMonth, "One row per valid cluster and month with events."),
    ],
    inputs={
        "recipes": "seeds.tweet_cluster_recipes",
        "robot_rules": "seeds.tweet_robot_rules",
        "robot_clients": "seeds.tweet_robot_clients",
    },
    rows=RowsRead(PLACED_COLUMNS),
)
def tweet_places(inputs: Inputs) -> BucketMethod:
    """Robots out, then clusters of all users of a bucket in one pass."""
    parameters, event_recipes = read_parameters(inputs)
    text = json.dumps(parameters, sort_keys=True)
    return BucketMethod(
        place_events,
        parameters,
        partial(
            divide,
            parameters_hash=hashlib.sha256(text.encode()).hexdigest()[:16],
            integer_recipes=[recipe["recipe"] for recipe in parameters["recipes"] if recipe["is_integer_metres"]],
            event_recipes=event_recipes,
        ),
        count,
    )


def read_parameters(inputs: Inputs) -> tuple[dict[str, Any], list[str]]:
    """Parameters of `place_events` from the seeds, and the recipes of which events are kept.

    Raises InputError where no recipe is computed.
    """
    recipes = places.ClusterRecipe.validate(inputs.read("recipes", places.ClusterRecipe.column_names()))
    rules = places.RobotRule.validate(inputs.read("robot_rules", places.RobotRule.column_names()))
    computed = recipes.filter("is_computed").drop("is_computed").sort("recipe")
    if computed.is_empty():
        raise InputError("seeds.tweet_cluster_recipes: no recipe has is_computed; expected at least one")
    parameters = {
        "recipes": computed.drop("has_events").to_dicts(),
        "robot_rules": {f"{row['rule']}_{row['parameter']}": row["value"] for row in rules.to_dicts()},
        "robot_clients": inputs.read("robot_clients", ["client"])["client"].sort().to_list(),
    }
    return parameters, computed.filter("has_events")["recipe"].to_list()


def divide(
    placed: pl.DataFrame, *, parameters_hash: str, integer_recipes: list[str], event_recipes: list[str]
) -> dict[str, pl.DataFrame]:
    """Rows of each table, of the placed events of a bucket."""
    return {
        USERS: levels.tweet_users(placed, parameters_hash=parameters_hash),
        CLUSTERS: levels.tweet_clusters(placed, integer_recipes=integer_recipes),
        EVENTS: levels.tweet_events(placed, recipes=event_recipes),
        HOURS: levels.tweet_cluster_hours(placed),
        MONTHS: levels.tweet_cluster_months(placed),
    }


def count(frames: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Numbers of users and events of each recipe by what became of them."""
    counts: dict[str, int] = {}
    for (recipe,), users in frames[USERS].partition_by("recipe", as_dict=True).items():
        sums = {
            "users": users.height,
            "robots": users["robot_rule"].count(),
            "users_with_valid_cluster": int((users["valid_clusters"] > 0).sum()),
            **{
                name: int(users[name].sum())
                for name in (
                    *("events", "duplicates", "robot_events", "outside_events", "clustered_events", "noise_events"),
                    *("valid_clusters", "noise_clusters"),
                )
            },
        }
        counts |= {f"{recipe} {name}": number for name, number in sums.items()}
    return counts


ASSETS = [tweet_places]
