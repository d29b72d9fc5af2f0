"""Coverage of authorities by users, and the agreement of estimated migration with official figures."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.platform.disclosure import PUBLISHED, control_counts
from ons_bigdata.tweets.assets.residence import RESIDENCE, RULES, read_rules
from ons_bigdata.tweets.methods.authority_codes import with_codes_on
from ons_bigdata.tweets.methods.migration_comparison import area_bias, compare_area_migration, coverage
from ons_bigdata.tweets.methods.official_years import official_year, sum_quarters
from ons_bigdata.tweets.schemas.migration_comparison import MigrationAreaBias, MigrationComparison, MigrationCoverage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COVERAGE = "analysis.migration_coverage"
COMPARISONS = "analysis.migration_comparisons"
AREA_BIAS = "analysis.migration_area_bias"

CENSUS_DAY = date(2021, 3, 21)

_GROUP = ["recipe", "data_origin"]
_ALL_QUARTERS = 4
DRAWS = 500
"""Resamples of the intervals."""


class ComparisonRules(NamedTuple):
    """Parameters of the comparison, among those of residence, moves and flows."""

    confidence: float
    threshold: int
    rounding_base: int
    parameters_hash: str


def comparison_rules(inputs: Inputs) -> ComparisonRules:
    """Parameters from the seed. Raises InputError as `read_rules`."""
    rules = read_rules(inputs)
    return ComparisonRules(rules.confidence, rules.threshold, rules.rounding_base, rules.parameters_hash)


@tables_asset(
    name="migration_comparison",
    tables=[
        Table(COVERAGE, MigrationCoverage, "One row per authority, month and recipe: users per resident."),
        Table(COMPARISONS, MigrationComparison, "One row per comparison, official year, recipe and metric."),
        Table(AREA_BIAS, MigrationAreaBias, "One row per authority, official year, recipe and direction: the bias."),
    ],
    inputs={
        "residence": RESIDENCE,
        "areas": "restricted.tweet_area_migration",
        "flows": "restricted.tweet_migration_flows",
        "published_areas": "analysis.internal_migration_areas",
        "populations": "staging.stg_tweets__area_populations",
        "official_areas": "intermediate.int_tweets__official_area_moves_summed",
        "official_flows": "intermediate.int_tweets__official_flows_summed",
        "census_flows": "intermediate.int_tweets__census_moves_summed",
        "code_changes": "seeds.authority_code_changes",
        "rules": RULES,
    },
)
def migration_comparison(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Coverage, agreement with official figures, and bias: one asset, since each further one is a call of dbt more."""
    rules = comparison_rules(inputs)
    return {
        COVERAGE: migration_coverage(inputs, rules),
        COMPARISONS: migration_comparisons(inputs, rules),
        AREA_BIAS: migration_area_bias(inputs, rules),
    }


def migration_coverage(inputs: Inputs, rules: ComparisonRules) -> Output:
    """Users with residence per resident of each authority and month, controlled for disclosure."""
    columns = [*_GROUP, "user_key", "month", "authority", "weight"]
    residence = inputs.read("residence", columns).drop_nulls("authority")
    users = residence.group_by([*_GROUP, "month", "authority"]).agg(
        users=pl.col("user_key").n_unique().cast(pl.Int64), active_users=pl.col("weight").sum()
    )
    residents = residents_of(inputs.read("populations", ["data_origin", "authority", "residents"]))
    parts = [
        coverage_of(counts, residents.filter(pl.col("data_origin") == key[1]), rules).with_columns(
            recipe=pl.lit(key[0]), data_origin=pl.lit(key[1]), month=pl.lit(key[2])
        )
        for key, counts in users.partition_by([*_GROUP, "month"], as_dict=True).items()
        if key[1] in residents["data_origin"]
    ]
    columns = MigrationCoverage.column_names()
    frame = pl.concat(
        [MigrationCoverage.create_empty(), *(part.select(columns) for part in parts)], how="vertical_relaxed"
    )
    return Output(frame, {"published": int((frame["status"] == PUBLISHED).sum())})


def residents_of(populations: pl.DataFrame) -> pl.DataFrame:
    """Residents of each authority and origin: data_origin, authority, residents."""
    return populations.group_by("data_origin", "authority").agg(pl.col("residents").cast(pl.Int64).sum())


def coverage_of(users: pl.DataFrame, residents: pl.DataFrame, rules: ComparisonRules) -> pl.DataFrame:
    """Coverage of one month, of authorities with residents, from the rounded counts of users that may be shown.

    A penetration of exact counts would undo their rounding: times the residents it is the count. Users weighted by
    activity (`monthly_residence`: the inverse of each one's chance to be observed) are rounded alike.
    """
    people = residents.filter(pl.col("residents") > 0).select("authority", "residents")
    counted = people.join(
        users.select("authority", "users", "active_users"), on="authority", how="left", maintain_order="left"
    )
    controlled = control_counts(
        counted.with_columns(pl.col("users").fill_null(0), pl.col("active_users").fill_null(0.0)),
        "users",
        threshold=rules.threshold,
        base=rules.rounding_base,
    )
    shown = controlled.filter(pl.col("status") == PUBLISHED).rename({"authority": "area"})
    made = coverage(shown.select("area", "users"), shown.select("area", "residents"), confidence=rules.confidence)
    is_shown = pl.col("status") == PUBLISHED
    active = (pl.col("active_users") / rules.rounding_base).round() * rules.rounding_base
    return (
        controlled.join(
            made.select("penetration", "lower", "upper", "log_bias", "reason", authority="area"),
            on="authority",
            how="left",
            maintain_order="left",
        )
        .with_columns(active_users=pl.when(is_shown).then(active))
        .with_columns(
            active_penetration=pl.col("active_users") / pl.col("residents"),
            parameters_hash=pl.lit(rules.parameters_hash),
        )
    )


def migration_comparisons(inputs: Inputs, rules: ComparisonRules) -> Output:
    """Agreement of each recipe with the official figures of the same origin, real or simulated, of the same years."""
    changes = inputs.read("code_changes", ["changed_on", "old_code", "new_code"])
    areas = inputs.read("areas", [*_GROUP, "level", "area", "period", "inflow", "outflow"])
    flows = inputs.read("flows", [*_GROUP, "level", "origin", "destination", "period", "flow"])
    residents = residents_of(inputs.read("populations", ["data_origin", "authority", "residents"]))
    official_areas = inputs.read("official_areas")
    official_flows = inputs.read("official_flows")
    census = inputs.read("census_flows", ["data_origin", "origin", "destination", "flow"])
    parts = []
    for key, of_areas in areas.partition_by(_GROUP, as_dict=True).items():
        is_origin = pl.col("data_origin") == key[1]
        of_flows = flows.filter((pl.col("recipe") == key[0]) & is_origin)
        made = [
            *rates_compared(of_areas, official_areas.filter(is_origin), residents.filter(is_origin), changes),
            *flows_compared(of_flows, official_flows.filter(is_origin), changes),
            *census_compared(of_flows, census.filter(is_origin), changes),
        ]
        parts += [part.with_columns(recipe=pl.lit(key[0]), data_origin=pl.lit(key[1])) for part in made]
    columns = MigrationComparison.column_names()
    stamped = [part.with_columns(parameters_hash=pl.lit(rules.parameters_hash)).select(columns) for part in parts]
    frame = pl.concat([MigrationComparison.create_empty(), *stamped], how="vertical_relaxed")
    return Output(frame, {"comparisons": len(parts)})


def rates_compared(
    areas: pl.DataFrame, official: pl.DataFrame, residents: pl.DataFrame, changes: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Agreement of rates of authorities for each official year with an estimate. A part of a year has no slope."""
    last = _last_change(changes)
    estimated = sum_quarters(areas.filter(pl.col("level") == "authority"), ["area"], ["inflow", "outflow"])
    people = (
        with_codes_on(residents, ["authority"], changes, last).group_by(area="authority").agg(pl.col("residents").sum())
    )
    for (year, quarters), of_year in estimated.partition_by(["year_ending", "quarters"], as_dict=True).items():
        theirs = official.filter(pl.col("year_ending") == year)
        if theirs.is_empty():
            continue
        ours = _areas_on(of_year, "area", changes, last)
        reference = _areas_on(theirs, "authority", changes, last)
        made = compare_area_migration(
            ours.join(people, on="area"), reference.join(people.filter(pl.col("residents") > 0), on="area"), draws=DRAWS
        )
        if int(str(quarters)) < _ALL_QUARTERS:
            is_slope = pl.col("metric").str.ends_with("_slope")
            why = f"the estimate covers {quarters} of the {_ALL_QUARTERS} quarters"
            made = made.with_columns(
                *(pl.when(~is_slope).then(pl.col(c)).alias(c) for c in ("value", "lower", "upper")),
                pl.when(is_slope).then(pl.lit(why)).otherwise("reason").alias("reason"),
            )
        yield _labelled(made, "authority_rates", year, quarters)


def flows_compared(flows: pl.DataFrame, official: pl.DataFrame, changes: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Agreement of flows between regions by official year, and between authorities in the year of the period's start.

    Flows are scaled to the official total, so that a part of a year can be compared.
    """
    regions = sum_quarters(flows.filter(pl.col("level") == "region"), ["origin", "destination"], ["flow"])
    whole = flows.filter(pl.col("level") == "authority").with_columns(
        year_ending=official_year(pl.col("period")), quarters=pl.lit(None, dtype=pl.Int32)
    )
    for level, estimated in (("region", regions), ("authority", whole)):
        for (year, quarters), of_year in estimated.partition_by(["year_ending", "quarters"], as_dict=True).items():
            theirs = official.filter((pl.col("level") == level) & (pl.col("year_ending") == year))
            if theirs.is_empty():
                continue
            sides = [of_year.drop_nulls("flow"), theirs]
            if level == "authority":
                sides = [
                    with_codes_on(side, ["origin", "destination"], changes, _last_change(changes)) for side in sides
                ]
            ours, reference = (
                side.filter(pl.col("origin") != pl.col("destination"))
                .group_by("origin", "destination", maintain_order=True)
                .agg(pl.col("flow").sum())
                for side in sides
            )
            yield _labelled(compare_flows(ours, reference, draws=DRAWS), f"{level}_flows", year, quarters)


def census_compared(flows: pl.DataFrame, census: pl.DataFrame, changes: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Agreement of flows between authorities with those of the census of 2021, scaled to its total.

    Its moves are those of the year to its day, whatever the period of the estimate: of another year, the pattern alone
    can be compared.
    """
    estimated = flows.filter(pl.col("level") == "authority").drop_nulls("flow")
    if estimated.is_empty() or census.is_empty():
        return
    last = _last_change(changes)
    ours, reference = (
        with_codes_on(side, ["origin", "destination"], changes, last)
        .filter(pl.col("origin") != pl.col("destination"))
        .group_by("origin", "destination", maintain_order=True)
        .agg(pl.col("flow").sum())
        for side in (estimated, census)
    )
    yield _labelled(compare_flows(ours, reference, draws=DRAWS), "census_flows", CENSUS_DAY, None)


def migration_area_bias(inputs: Inputs, rules: ComparisonRules) -> Output:
    """Bias of the published moves of each authority, both sides on the same scale."""
    changes = inputs.read("code_changes", ["changed_on", "old_code", "new_code"])
    areas = inputs.read("published_areas", [*_GROUP, "level", "area", "period", "measure", "value"])
    residents = residents_of(inputs.read("populations", ["data_origin", "authority", "residents"]))
    official = inputs.read("official_areas")
    parts = []
    for key, of_areas in areas.partition_by(_GROUP, as_dict=True).items():
        is_origin = pl.col("data_origin") == key[1]
        made = biases(of_areas, official.filter(is_origin), residents.filter(is_origin), changes)
        parts += [part.with_columns(recipe=pl.lit(key[0]), data_origin=pl.lit(key[1])) for part in made]
    columns = MigrationAreaBias.column_names()
    stamped = [part.with_columns(parameters_hash=pl.lit(rules.parameters_hash)).select(columns) for part in parts]
    frame = pl.concat([MigrationAreaBias.create_empty(), *stamped], how="vertical_relaxed")
    return Output(frame, {"authorities": frame["authority"].n_unique()})


def biases(
    areas: pl.DataFrame, official: pl.DataFrame, residents: pl.DataFrame, changes: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Bias of authorities for each official year, of those with published moves in and out of every quarter.

    Estimates are scaled by one factor, so that moves in and out of these authorities add up to the official ones: an
    estimate may cover a part of the year, and its level is compared elsewhere.
    """
    last = _last_change(changes)
    wide = (
        areas.filter((pl.col("level") == "authority") & pl.col("measure").is_in(["inflow", "outflow"])).pivot(
            "measure", index=["area", "period"], values="value"
        )  # a hidden quarter leaves its year without a sum
    )
    if not {"inflow", "outflow"} <= set(wide.columns):
        return
    people = (
        with_codes_on(residents, ["authority"], changes, last).group_by(area="authority").agg(pl.col("residents").sum())
    )
    estimated = sum_quarters(wide, ["area"], ["inflow", "outflow"])
    for (year, quarters), of_year in estimated.partition_by(["year_ending", "quarters"], as_dict=True).items():
        theirs = official.filter(pl.col("year_ending") == year)
        ours = _areas_on(of_year, "area", changes, last)
        reference = _areas_on(theirs, "authority", changes, last).rename({"authority": "area"}, strict=False)
        reference = reference.join(people.filter(pl.col("residents") > 0), on="area").join(ours, on="area", how="semi")
        ours = ours.join(reference, on="area", how="semi")
        total = ours.select(pl.sum_horizontal(pl.col("inflow", "outflow").sum())).item() if ours.height else 0.0
        official_total = reference.select(pl.sum_horizontal(pl.col("inflow", "outflow").sum())).item()
        if not total or not official_total:
            continue
        scale = official_total / total
        scaled = ours.with_columns(pl.col("inflow", "outflow") * scale)
        yield (
            area_bias(scaled, reference)
            .rename({"area": "authority"})
            .with_columns(year_ending=pl.lit(year), quarters=pl.lit(quarters, dtype=pl.Int32), scale=pl.lit(scale))
        )


def _labelled(made: pl.DataFrame, comparison: str, year: object, quarters: object) -> pl.DataFrame:
    return made.with_columns(
        comparison=pl.lit(comparison), year_ending=pl.lit(year), quarters=pl.lit(quarters, dtype=pl.Int32)
    )


def _areas_on(frame: pl.DataFrame, code: str, changes: pl.DataFrame, on: date) -> pl.DataFrame:
    """Moves in and out by authority on a date; an authority with a part that is not known is left out."""
    carried = with_codes_on(frame, [code], changes, on).group_by(area=code, maintain_order=True)
    sums = carried.agg(
        pl.when(pl.col(c).null_count() == 0).then(pl.col(c).sum()).alias(c) for c in ("inflow", "outflow")
    )
    return sums.drop_nulls()


def _last_change(changes: pl.DataFrame) -> date:
    last = changes["changed_on"].max()
    if last is None:
        raise ValueError("seeds.authority_code_changes has no rows; expected at least one")
    return last  # type: ignore[return-value]


ASSETS = [migration_comparison]
