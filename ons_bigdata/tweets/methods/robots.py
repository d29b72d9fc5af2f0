"""Robots among the users of events: rules on volume, intervals, position and client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.tweets.schemas.vocabulary import ROBOT_RULES

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RobotRules:
    """Parameters of the rules."""

    volume_max_events: float
    """A user with more events is a robot."""
    constant_interval_min_events: float
    """Fewest events for the rule on intervals."""
    constant_interval_tolerance_s: float
    """Largest distance in seconds of an interval from the user's median interval that counts as equal."""
    constant_interval_min_share: float
    """A user of whom at least this share of intervals is equal is a robot."""
    fixed_position_min_events: float
    """Fewest events for the rule on position."""
    fixed_position_min_days: float
    """Fewest days between the first and the last event for the rule on position."""
    client_min_share: float
    """A user of whom at least this share of events comes from clients of the list is a robot."""
    clients: tuple[str, ...]

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any], clients: list[str]) -> RobotRules:
        """Rules from values by `rule_parameter`. Raises ValueError for missing or unknown ones."""
        names = {name for name in cls.__dataclass_fields__ if name != "clients"}
        if set(parameters) != names:
            raise ValueError(f"parameters of robot rules: found {sorted(parameters)}; expected {sorted(names)}")
        return cls(**parameters, clients=tuple(clients))


def find_robots(events: pl.DataFrame, rules: RobotRules) -> pl.DataFrame:
    """Users who are robots: `user_key` and `robot_rule`, the first rule that holds in the order of ROBOT_RULES.

    `events` has `user_key`, `ts_utc`, `lon`, `lat`, `client`, without duplicates, sorted by user and time. The rules:

    * `volume`: more than `volume_max_events` events;
    * `constant_interval`: the intervals between successive events are equal, up to a tolerance, in at least a share;
    * `fixed_position`: all events at exactly one position, over at least some days;
    * `client`: at least a share of the events comes from clients of a list.

    Source: the rules' kinds are those of ONS, GSS Methodology Series 41 (2015), which has the volume of 30,000; the
    other values are ours.
    """
    users = (
        events.lazy()
        .group_by("user_key")
        .agg(
            pl.len().alias("events"),
            pl.col("client").is_in(list(rules.clients)).fill_null(value=False).mean().alias("client_share"),
            ((pl.col("lon").min() == pl.col("lon").max()) & (pl.col("lat").min() == pl.col("lat").max())).alias(
                "is_fixed"
            ),
            ((pl.col("ts_utc").max() - pl.col("ts_utc").min()) / pl.duration(days=1)).alias("days"),
        )
        .collect()
    )
    frequent = users.filter(pl.col("events") >= rules.constant_interval_min_events).select("user_key")
    equal = _equal_intervals(events.join(frequent, on="user_key", how="semi"), rules.constant_interval_tolerance_s)
    holds = {
        "volume": pl.col("events") > rules.volume_max_events,
        "constant_interval": pl.col("equal_share") >= rules.constant_interval_min_share,
        "fixed_position": pl.col("is_fixed")
        & (pl.col("events") >= rules.fixed_position_min_events)
        & (pl.col("days") >= rules.fixed_position_min_days),
        "client": pl.col("client_share") >= rules.client_min_share,
    }
    return (
        users.join(equal, on="user_key", how="left")
        .select(
            "user_key",
            pl.coalesce(pl.when(holds[rule]).then(pl.lit(rule)) for rule in ROBOT_RULES).alias("robot_rule"),
        )
        .filter(pl.col("robot_rule").is_not_null())
        .sort("user_key")
    )


def _equal_intervals(events: pl.DataFrame, tolerance_s: float) -> pl.DataFrame:
    """`equal_share` of each user: intervals within the tolerance of the median interval, of all intervals."""
    same_user = pl.col("user_key") == pl.col("user_key").shift(1)
    intervals = events.select(
        "user_key", pl.when(same_user).then(pl.col("ts_utc").diff().dt.total_seconds()).alias("interval_s")
    ).drop_nulls()
    distance = (pl.col("interval_s") - pl.col("interval_s").median()).abs()
    return intervals.group_by("user_key").agg((distance <= tolerance_s).mean().alias("equal_share"))
