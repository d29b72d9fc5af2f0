"""Internal migration: flows between areas and moves of areas, first as estimated, then controlled for disclosure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.platform.disclosure import PUBLISHED, control_counts
from ons_bigdata.platform.errors import InputError
from ons_bigdata.tweets.assets.residence import (
    AT_RISK,
    MOVES,
    RESIDENCE,
    RULES,
    ResidenceRules,
    days_of_collection,
    read_rules,
)
from ons_bigdata.tweets.methods.migration import flows, migration_surface, pooled_area_migration, pooled_flows
from ons_bigdata.tweets.methods.migration.earlier_moves import earlier_moves, last_year
from ons_bigdata.tweets.schemas import migration as frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    import dataframely as dy

FLOWS = "restricted.tweet_migration_flows"
AREAS = "restricted.tweet_area_migration"
SURFACE = "restricted.tweet_migration_surface"
TABLES: dict[str, type[dy.Schema]] = {
    FLOWS: frames.TweetMigrationFlow,
    AREAS: frames.TweetAreaMigration,
    SURFACE: frames.TweetMigrationSurface,
}
CONTROLLED_FLOWS = "analysis.internal_migration_flows"
CONTROLLED_AREAS = "analysis.internal_migration_areas"
CONTROLLED_SURFACE = "analysis.internal_migration_surface"

_GROUP = ("recipe", "data_origin")
LEVELS = ("authority", "region")


@tables_asset(
    name="tweet_migration",
    tables=[
        Table(
            FLOWS,
            frames.TweetMigrationFlow,
            "One row per origin, destination, period and recipe: flows, not controlled.",
        ),
        Table(AREAS, frames.TweetAreaMigration, "One row per area, quarter and recipe: moves, not controlled."),
        Table(SURFACE, frames.TweetMigrationSurface, "One row per gap, window and recipe: share that lives elsewhere."),
    ],
    inputs={
        "moves": MOVES,
        "at_risk": AT_RISK,
        "residence": RESIDENCE,
        "users": "restricted.tweet_users",
        "types": "restricted.tweet_cluster_types",
        "populations": "staging.stg_tweets__area_populations",
        "official": "intermediate.int_tweets__official_moves_by_age",
        "code_changes": "seeds.authority_code_changes",
        "rules": RULES,
    },
)
def tweet_migration(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Flows, moves of areas and the surface of each recipe and origin with populations.

    Estimates rest on official moves of the same origin, too, of the last year that ended before the first day.
    """
    rules = read_rules(inputs)
    moves = inputs.read("moves", [*_GROUP, "user_key", "from_area", "to_area", "moved_on", "kind", "is_migration"])
    at_risk = inputs.read("at_risk", [*_GROUP, "user_key", "area", "period", "months"])
    residence = inputs.read("residence", [*_GROUP, "user_key", "month", "authority"])
    types = inputs.read("types", [*_GROUP, "user_key", "class_group", "cluster_type", "authority"])
    populations = inputs.read(
        "populations",
        ["data_origin", "authority", "region", "residents", "residents_16_plus", "easting_m", "northing_m"],
    )
    official = inputs.read("official")
    changes = inputs.read("code_changes", ["changed_on", "old_code", "new_code"])
    periods = days_of_collection(inputs.read("users", [*_GROUP, "first_date", "last_date"]))
    parts: dict[str, list[pl.DataFrame]] = {FLOWS: [], AREAS: [], SURFACE: []}
    years: dict[str, str] = {}
    for group, of_group in at_risk.partition_by(_GROUP, as_dict=True).items():
        recipe, origin = map(str, group)
        is_group = (pl.col("recipe") == recipe) & (pl.col("data_origin") == origin)
        first_date, last_date = periods.filter(is_group).select("first_date", "last_date").row(0)
        people = populations.filter(pl.col("data_origin") == origin)
        of_origin = official.filter(pl.col("data_origin") == origin)
        earlier = earlier_moves(of_origin, people["authority"], changes, before=first_date)
        years[f"official_year_{origin}"] = str(last_year(of_origin, first_date) or "none")
        made = _estimates(
            moves.filter(is_group),
            of_group,
            residence.filter(is_group),
            students_of(types.filter(is_group)),
            people,
            earlier,
            (first_date, last_date),
            rules,
        )
        for table, frame in made:
            parts[table].append(
                frame.with_columns(
                    recipe=pl.lit(recipe), data_origin=pl.lit(origin), parameters_hash=pl.lit(rules.parameters_hash)
                )
            )
    return {
        table: Output(
            pl.concat([frame.create_empty(), *(part.select(frame.column_names()) for part in parts[table])]), years
        )
        for table, frame in TABLES.items()
    }


def _estimates(
    moves: pl.DataFrame,
    at_risk: pl.DataFrame,
    residence: pl.DataFrame,
    students: pl.DataFrame,
    populations: pl.DataFrame,
    official: pl.DataFrame | None,
    collected: tuple[date, date],
    rules: ResidenceRules,
) -> Iterable[tuple[str, pl.DataFrame]]:
    """Estimates of one recipe and origin, with the table to which they belong."""
    first_date, last_date = collected
    areas = set(at_risk["area"]) | set(moves["from_area"]) | set(moves["to_area"])
    missing = sorted(areas - set(populations["authority"]))
    if missing:
        raise InputError(
            f"no residents are known of {len(missing)} authorities, the first {missing[0]}: take in their populations "
            "(ons-bigdata ingest populations PATH)"
        )
    single = flows(
        moves,
        populations,
        at_risk,
        first_date=first_date,
        last_date=last_date,
        level="authority",
        period="whole",
        least_users=rules.least_users,
        confidence=rules.confidence,
    )
    yield FLOWS, single.with_columns(level=pl.lit("authority"))
    pooled = pooled_flows(
        moves,
        populations,
        at_risk,
        first_date=first_date,
        last_date=last_date,
        level="region",
        period="quarter",
        students=students,
        official=official,
        confidence=rules.confidence,
    )
    yield FLOWS, pooled.with_columns(level=pl.lit("region"))
    for level in LEVELS:
        of_areas = pooled_area_migration(
            moves,
            populations,
            at_risk,
            first_date=first_date,
            last_date=last_date,
            level=level,
            students=students,
            official=official,
            confidence=rules.confidence,
        )
        yield AREAS, of_areas.with_columns(level=pl.lit(level))
    yield SURFACE, migration_surface(residence, confidence=rules.confidence)


def students_of(types: pl.DataFrame) -> pl.DataFrame:
    """Users with a hall or a cluster for study in each authority, and users with a residential cluster there.

    `types`: user_key, class_group, cluster_type, authority of clusters. Returns area, students, users, sorted.
    """
    is_study = (pl.col("class_group") == "hall") | (pl.col("cluster_type") == "study").fill_null(value=False)
    is_home = pl.col("class_group").is_in(["residential", "hall"])
    return (
        types.filter(pl.col("authority").is_not_null())
        .group_by(area="authority")
        .agg(
            students=pl.col("user_key").filter(is_study).n_unique(), users=pl.col("user_key").filter(is_home).n_unique()
        )
        .sort("area")
    )


@tables_asset(
    name="internal_migration_controlled",
    tables=[
        Table(CONTROLLED_FLOWS, frames.ControlledFlow, "One row per origin, destination, period and recipe."),
        Table(CONTROLLED_AREAS, frames.ControlledAreaMigration, "One row per area, quarter, measure and recipe."),
        Table(CONTROLLED_SURFACE, frames.ControlledSurface, "One row per gap, window and recipe."),
    ],
    inputs={"flows": FLOWS, "areas": AREAS, "surface": SURFACE, "rules": RULES},
)
def internal_migration_controlled(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Threshold and rounding of every count, and no estimate where the count is below the threshold."""
    rules = read_rules(inputs)
    threshold, base = rules.threshold, rules.rounding_base
    outputs = {
        CONTROLLED_FLOWS: controlled_flows(inputs.read("flows"), threshold=threshold, base=base),
        CONTROLLED_AREAS: controlled_areas(inputs.read("areas"), threshold=threshold, base=base),
        CONTROLLED_SURFACE: controlled_surface(inputs.read("surface"), threshold=threshold, base=base),
    }
    return {
        table: Output(frame, {"published": int((frame["status"] == PUBLISHED).sum())})
        for table, frame in outputs.items()
    }


def controlled_flows(estimated: pl.DataFrame, *, threshold: int, base: int) -> pl.DataFrame:
    """Flows of which the moves may be shown, the rest without numbers: the frame ControlledFlow."""
    controlled = control_counts(estimated, "moves", threshold=threshold, base=base)
    return _hidden(controlled, ["flow", "lower", "upper"]).select(frames.ControlledFlow.column_names())


def controlled_areas(estimated: pl.DataFrame, *, threshold: int, base: int) -> pl.DataFrame:
    """Moves into and out of areas and the net, of which the moves may be shown: the frame ControlledAreaMigration.

    The net is shown where both its parts are. It has no moves: those seen are not weighted, and their difference may
    point another way than that of the estimates.
    """
    key = ["recipe", "data_origin", "level", "area", "period"]
    sides = {}
    for measure, count in (("inflow", "moves_in"), ("outflow", "moves_out")):
        renamed = estimated.select(
            *key,
            pl.lit(measure).alias("measure"),
            pl.col(count).alias("moves"),
            pl.col(measure).alias("value"),
            pl.col(f"{measure}_lower").alias("lower"),
            pl.col(f"{measure}_upper").alias("upper"),
            "reason",
            "parameters_hash",
        )
        controlled = control_counts(renamed, "moves", threshold=threshold, base=base)
        sides[measure] = _hidden(controlled, ["value", "lower", "upper"])
    both = (
        sides["inflow"]
        .select(*key, status_in="status")
        .join(sides["outflow"].select(*key, status_out="status"), on=key)
    )
    shown = (pl.col("status_in") == PUBLISHED) & (pl.col("status_out") == PUBLISHED)
    net = estimated.join(both, on=key).select(
        *key,
        pl.lit("net").alias("measure"),
        pl.lit(None, pl.Int64).alias("moves"),
        pl.col("net").alias("value"),
        pl.col("net_lower").alias("lower"),
        pl.col("net_upper").alias("upper"),
        "reason",
        "parameters_hash",
        pl.when(shown).then(pl.lit(PUBLISHED)).otherwise(pl.lit("below_threshold")).alias("status"),
    )
    columns = frames.ControlledAreaMigration.column_names()
    parts = [*sides.values(), _hidden(net, ["value", "lower", "upper"])]
    return pl.concat([part.select(columns) for part in parts]).sort(*key, "measure")


def controlled_surface(estimated: pl.DataFrame, *, threshold: int, base: int) -> pl.DataFrame:
    """Cells of the surface of which the pairs that moved may be shown: the frame ControlledSurface."""
    controlled = control_counts(estimated, "moved", threshold=threshold, base=base)
    return _hidden(controlled, ["share_moved", "lower", "upper"]).select(frames.ControlledSurface.column_names())


def _hidden(controlled: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Numbers of cells that are not published are null; the reason of a missing estimate is kept where it is shown."""
    shown = pl.col("status") == PUBLISHED
    return controlled.with_columns(
        *(pl.when(shown).then(pl.col(column)).alias(column) for column in columns),
        pl.when(shown).then(pl.col("reason")).alias("reason"),
    )


ASSETS = [tweet_migration, internal_migration_controlled]
