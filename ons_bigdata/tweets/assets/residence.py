"""Residence of users by month, and their moves, from the events in typed clusters."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.platform.errors import InputError
from ons_bigdata.tweets.methods.residence import detect_moves, monthly_residence, settled_spells, time_at_risk
from ons_bigdata.tweets.schemas import residence as frames

if TYPE_CHECKING:
    from collections.abc import Mapping

RESIDENCE = "restricted.tweet_residence"
MOVES = "restricted.tweet_moves"
AT_RISK = "restricted.tweet_time_at_risk"
RULES = "seeds.tweet_residence_rules"

PARAMETERS = {
    "min_events": int,
    "max_gap_months": int,
    "least_chance": float,
    "max_weight": float,
    "min_months_before": float,
    "min_months_after": float,
    "min_probability": float,
    "max_trip_months": float,
    "min_days_per_month": float,
    "least_users": float,
    "confidence": float,
    "threshold": int,
    "rounding_base": int,
}
"""Parameters of residence, moves and flows, and their types."""

_GROUP = ("recipe", "data_origin")
_WINDOWS = ("min_months_before", "min_months_after")


@tables_asset(
    name="tweet_residence",
    tables=[
        Table(RESIDENCE, frames.TweetResidence, "One row per user, month and recipe: residence and its weights."),
        Table(MOVES, frames.TweetMove, "One row per change of residence of a user and recipe."),
        Table(AT_RISK, frames.TweetTimeAtRisk, "One row per user, area, month and recipe: time at risk of a move."),
    ],
    inputs={
        "events": "restricted.tweet_events",
        "types": "restricted.tweet_cluster_types",
        "users": "restricted.tweet_users",
        "gaps": "staging.stg_tweets__stream_gaps",
        "rules": RULES,
    },
)
def tweet_residence(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Residence by month, moves and time at risk of the users of each recipe with events."""
    rules = read_rules(inputs)
    events = inputs.read("events", [*_GROUP, "user_key", "cluster", "status", "local_date", "hour"])
    events = events.filter(pl.col("status") == "valid").drop("status")
    types = inputs.read(
        "types", [*_GROUP, "user_key", "cluster", "class_group", "cluster_type", "output_area", "authority"]
    )
    periods = days_of_collection(inputs.read("users", [*_GROUP, "first_date", "last_date"]))
    gaps = inputs.read("gaps", ["data_origin", "from_utc", "to_utc"])
    parts: dict[str, list[pl.DataFrame]] = {RESIDENCE: [], MOVES: [], AT_RISK: []}
    for group, of_group in events.partition_by(_GROUP, as_dict=True).items():
        recipe, origin = map(str, group)
        is_group = (pl.col("recipe") == recipe) & (pl.col("data_origin") == origin)
        clusters = types.filter(is_group).drop(_GROUP)
        made = residence_of(
            of_group.drop(_GROUP),
            clusters,
            gaps.filter(pl.col("data_origin") == origin),
            periods.filter(is_group).row(0, named=True),
            rules,
        )
        for table, frame in made.items():
            parts[table].append(frame.with_columns(recipe=pl.lit(recipe), data_origin=pl.lit(origin)))
    outputs = {
        table.name: pl.concat([empty_of(table.frame), *parts[table.name]], how="vertical_relaxed")
        for table in (
            Table(RESIDENCE, frames.TweetResidence, ""),
            Table(MOVES, frames.TweetMove, ""),
            Table(AT_RISK, frames.TweetTimeAtRisk, ""),
        )
    }
    months = outputs[RESIDENCE]
    moves = outputs[MOVES]
    return {
        RESIDENCE: Output(
            months,
            {
                "users": months["user_key"].n_unique(),
                **{status: int((months["status"] == status).sum()) for status in frames.RESIDENCE_STATUSES},
            },
        ),
        MOVES: Output(
            moves,
            {
                "migrations": int(moves["is_migration"].sum()),
                **{kind: int((moves["kind"] == kind).sum()) for kind in frames.MOVE_KINDS},
            },
        ),
        AT_RISK: Output(outputs[AT_RISK], {"person_months": round(float(outputs[AT_RISK]["months"].sum()), 1)}),
    }


def residence_of(
    events: pl.DataFrame,
    clusters: pl.DataFrame,
    gaps: pl.DataFrame,
    period: Mapping[str, object],
    rules: Mapping[str, int | float],
) -> dict[str, pl.DataFrame]:
    """Residence by month, moves and time at risk of the users of one recipe and origin."""
    windows = {name: rules[name] for name in _WINDOWS}
    outages = gaps.select(started_at="from_utc", ended_at="to_utc", authority=pl.lit(None, dtype=pl.String))
    months = monthly_residence(
        events,
        clusters,
        outages,
        first_date=period["first_date"],  # type: ignore[arg-type]  (dates, by the frame of the users)
        last_date=period["last_date"],  # type: ignore[arg-type]
        min_events=int(rules["min_events"]),
        max_gap_months=int(rules["max_gap_months"]),
        least_chance=rules["least_chance"],
        max_weight=rules["max_weight"],
    )
    moves = detect_moves(
        events,
        clusters,
        **windows,
        min_probability=rules["min_probability"],
        max_trip_months=rules["max_trip_months"],
    )
    spells = settled_spells(events, clusters, **windows)
    at_risk = time_at_risk(spells, **windows, min_days_per_month=rules["min_days_per_month"])
    return {RESIDENCE: months, MOVES: moves, AT_RISK: at_risk}


def days_of_collection(users: pl.DataFrame) -> pl.DataFrame:
    """First and last day with events of each recipe and origin."""
    return users.group_by(_GROUP).agg(pl.col("first_date").min(), pl.col("last_date").max()).sort(_GROUP)


def empty_of(frame: type) -> pl.DataFrame:
    """Frame without rows, of the columns of a schema."""
    return frame.create_empty()  # type: ignore[attr-defined,no-any-return]  (a schema of dataframely)


def read_rules(inputs: Inputs) -> dict[str, int | float]:
    """Parameters by name. Raises InputError where one is missing or unknown."""
    rules = frames.ResidenceRule.validate(inputs.read("rules", frames.ResidenceRule.column_names()))
    values = dict(rules.iter_rows())
    if set(values) != set(PARAMETERS):
        raise InputError(f"{RULES} has {', '.join(sorted(values))}; expected {', '.join(sorted(PARAMETERS))}")
    return {name: kind(values[name]) for name, kind in PARAMETERS.items()}


def hash_of_rules(rules: Mapping[str, int | float]) -> str:
    """Hash of the parameters: 16 hex digits."""
    return hashlib.sha256(json.dumps(dict(rules), sort_keys=True).encode()).hexdigest()[:16]


ASSETS = [tweet_residence]
