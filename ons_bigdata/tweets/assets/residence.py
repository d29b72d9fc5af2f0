"""Residence of users by month, and their moves, from the events in typed clusters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, table_asset, tables_asset
from ons_bigdata.platform.errors import InputError
from ons_bigdata.tweets.methods.residence import (
    detect_moves,
    home_clusters,
    monthly_residence,
    settled_spells,
    time_at_risk,
)
from ons_bigdata.tweets.methods.residence.archive_gaps import find_archive_gaps
from ons_bigdata.tweets.schemas import residence as frames
from ons_bigdata.tweets.schemas.gaps import ArchiveGap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import dataframely as dy

HOMES = "restricted.tweet_homes"
RESIDENCE = "restricted.tweet_residence"
MOVES = "restricted.tweet_moves"
AT_RISK = "restricted.tweet_time_at_risk"
ARCHIVE_GAPS = "analysis.tweet_archive_gaps"
RULES = "seeds.tweet_residence_rules"
TABLES: dict[str, type[dy.Schema]] = {
    RESIDENCE: frames.TweetResidence,
    MOVES: frames.TweetMove,
    AT_RISK: frames.TweetTimeAtRisk,
}


@dataclass(frozen=True)
class ResidenceRules:
    """Parameters of residence, moves and flows (`seeds.tweet_residence_rules`)."""

    min_events: int
    max_gap_months: int
    least_chance: float
    max_weight: float
    min_months_before: float
    min_months_after: float
    min_probability: float
    max_trip_months: float
    min_days_per_month: float
    least_users: float
    confidence: float
    threshold: int
    rounding_base: int
    outage_least_events: float

    @property
    def parameters_hash(self) -> str:
        """Hash of the parameters: 16 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


_GROUP = ("recipe", "data_origin")


@table_asset(
    table=ARCHIVE_GAPS,
    inputs={"events": "restricted.tweet_events", "users": "restricted.tweet_users", "rules": RULES},
    frame=ArchiveGap,
    description="One row per time without any event in the archives of a platform, where many were to be expected.",
)
def tweet_archive_gaps(inputs: Inputs, _run: AssetRun) -> Output:
    """Find the gaps of each platform and origin in the events of users who are no robots: those post by the clock."""
    rules = read_rules(inputs)
    events = inputs.read("events", ["recipe", "user_key", "data_origin", "ts_utc"])
    of_one = events.filter(pl.col("recipe") == pl.col("recipe").min())  # all recipes have the same events
    users = inputs.read("users", ["recipe", "user_key", "source"])
    hours = (
        of_one.join(users, on=["recipe", "user_key"])
        .group_by("data_origin", "source", hour=pl.col("ts_utc").dt.truncate("1h"))
        .agg(events=pl.len().cast(pl.Int64), first_utc=pl.col("ts_utc").min(), last_utc=pl.col("ts_utc").max())
    )
    parts = [
        find_archive_gaps(of_platform.drop("data_origin", "source"), least_events=rules.outage_least_events)
        .with_columns(data_origin=pl.lit(origin), source=pl.lit(source), parameters_hash=pl.lit(rules.parameters_hash))
        .select(ArchiveGap.column_names())
        for (origin, source), of_platform in sorted(hours.partition_by("data_origin", "source", as_dict=True).items())
    ]
    gaps = pl.concat([ArchiveGap.create_empty(), *parts])
    lost = (gaps["to_utc"] - gaps["from_utc"]).dt.total_seconds().sum() / 86_400
    return Output(gaps, {"days_lost": round(float(lost), 2)})


@table_asset(
    table=HOMES,
    inputs={
        "events": "restricted.tweet_events",
        "clusters": "restricted.tweet_clusters",
        "types": "restricted.tweet_cluster_types",
    },
    frame=frames.TweetHome,
    description="One row per user with a residential cluster and recipe with events: the main home of all the time.",
)
def tweet_homes(inputs: Inputs, _run: AssetRun) -> Output:
    """Main home of each user of the recipes with events."""
    key = [*_GROUP, "user_key", "cluster"]
    events = inputs.read("events", [*key, "local_date", "hour"])
    types = inputs.read("types", [*key, "class_group", "output_area", "authority"])
    homes = homes_of(events, inputs.read("clusters", [*key, "easting_m", "northing_m"]), types)
    users = events.select("recipe", "user_key").unique().height
    return Output(homes, {"homes": homes.height, "users_with_events": users})


def homes_of(events: pl.DataFrame, clusters: pl.DataFrame, types: pl.DataFrame) -> pl.DataFrame:
    """Main homes by recipe and origin. Places visited once or twice, which have no type, say where a home is, too."""
    placed = clusters.join(types, on=[*_GROUP, "user_key", "cluster"], how="left")
    parts = [
        home_clusters(of_group.drop(_GROUP), placed.filter(recipe=group[0], data_origin=group[1]).drop(_GROUP))
        .with_columns(recipe=pl.lit(group[0]), data_origin=pl.lit(group[1]))
        .select(frames.TweetHome.column_names())
        for group, of_group in sorted(events.partition_by(_GROUP, as_dict=True).items())
    ]
    return pl.concat([frames.TweetHome.create_empty(), *parts])


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
        "gaps": "intermediate.int_tweets__collection_gaps_united",
        "rules": RULES,
    },
)
def tweet_residence(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Residence by month, moves and time at risk of the users of each recipe with events and platform.

    A gap of a platform is an outage for its users alone.
    """
    rules = read_rules(inputs)
    events = inputs.read("events", [*_GROUP, "user_key", "cluster", "status", "local_date", "hour"])
    events = events.filter(pl.col("status") == "valid").drop("status")
    types = inputs.read(
        "types", [*_GROUP, "user_key", "cluster", "class_group", "cluster_type", "output_area", "authority"]
    )
    users = inputs.read("users", [*_GROUP, "user_key", "source", "first_date", "last_date"])
    periods = days_of_collection(users)
    gaps = inputs.read("gaps", ["data_origin", "source", "from_utc", "to_utc"])
    sourced = events.join(users.select("recipe", "user_key", "source"), on=["recipe", "user_key"])
    parts: dict[str, list[pl.DataFrame]] = {RESIDENCE: [], MOVES: [], AT_RISK: []}
    for group, of_group in sourced.partition_by([*_GROUP, "source"], as_dict=True).items():
        recipe, origin, source = map(str, group)
        is_group = (pl.col("recipe") == recipe) & (pl.col("data_origin") == origin)
        first_date, last_date = periods.filter(is_group).select("first_date", "last_date").row(0)
        made = residence_of(
            of_group.drop(*_GROUP, "source"),
            types.filter(is_group).drop(_GROUP),
            gaps.filter((pl.col("data_origin") == origin) & (pl.col("source") == source)),
            first_date,
            last_date,
            rules,
        )
        for table, frame in made.items():
            parts[table].append(frame.with_columns(recipe=pl.lit(recipe), data_origin=pl.lit(origin)))
    outputs = {
        table: pl.concat([frame.create_empty(), *(part.select(frame.column_names()) for part in parts[table])])
        for table, frame in TABLES.items()
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
    first_date: date,
    last_date: date,
    rules: ResidenceRules,
) -> dict[str, pl.DataFrame]:
    """Residence by month, moves and time at risk of the users of one recipe, origin and platform."""
    outages = gaps.select(started_at="from_utc", ended_at="to_utc", authority=pl.lit(None, dtype=pl.String))
    months = monthly_residence(
        events,
        clusters,
        outages,
        first_date=first_date,
        last_date=last_date,
        min_events=rules.min_events,
        max_gap_months=rules.max_gap_months,
        least_chance=rules.least_chance,
        max_weight=rules.max_weight,
    )
    moves = detect_moves(
        events,
        clusters,
        min_months_before=rules.min_months_before,
        min_months_after=rules.min_months_after,
        min_probability=rules.min_probability,
        max_trip_months=rules.max_trip_months,
    )
    spells = settled_spells(
        events, clusters, min_months_before=rules.min_months_before, min_months_after=rules.min_months_after
    )
    at_risk = time_at_risk(
        spells,
        min_months_before=rules.min_months_before,
        min_months_after=rules.min_months_after,
        min_days_per_month=rules.min_days_per_month,
        max_trip_months=rules.max_trip_months,
    )
    return {RESIDENCE: months, MOVES: moves, AT_RISK: at_risk}


def days_of_collection(users: pl.DataFrame) -> pl.DataFrame:
    """First and last day with events of each recipe and origin."""
    return users.group_by(_GROUP).agg(pl.col("first_date").min(), pl.col("last_date").max()).sort(_GROUP)


def read_rules(inputs: Inputs) -> ResidenceRules:
    """Parameters by name. Raises InputError where one is missing, unknown, or a fraction where it must be whole."""
    rules = frames.ResidenceRule.validate(inputs.read("rules", frames.ResidenceRule.column_names()))
    values: dict[str, float] = dict(rules.iter_rows())
    names = {field.name: str(field.type) for field in fields(ResidenceRules)}
    if set(values) != set(names):
        raise InputError(f"{RULES} has {', '.join(sorted(values))}; expected {', '.join(sorted(names))}")
    broken = [name for name, kind in names.items() if kind == "int" and values[name] != int(values[name])]
    if broken:
        raise InputError(f"{RULES}: {broken[0]} is {values[broken[0]]}; expected a whole number")
    typed: dict[str, Any] = {name: int(values[name]) if kind == "int" else values[name] for name, kind in names.items()}
    return ResidenceRules(**typed)


ASSETS = [tweet_archive_gaps, tweet_homes, tweet_residence]
