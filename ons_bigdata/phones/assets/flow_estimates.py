"""Estimates of travel to work from deliveries, controlled for disclosure; their totals; the cost of stand-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ons_bigdata.phones.assets.by_month import by_month, stale_months
from ons_bigdata.phones.assets.census_comparison import census_years, study_of
from ons_bigdata.phones.assets.weights import WEIGHTS as WEIGHT_TABLE
from ons_bigdata.phones.methods.comparison.correction_pairs import correction_pairs, fit_to_zones
from ons_bigdata.phones.methods.comparison.study_area import middles, with_bounds, zone_distances
from ons_bigdata.phones.methods.pair_classes import pair_classes
from ons_bigdata.phones.methods.weighting import combine_operators, operator_dispersion, stand_in_cost
from ons_bigdata.phones.methods.weighting import flow_estimates as estimation
from ons_bigdata.phones.methods.weighting.flow_estimates import TRAVEL_TO_WORK, EstimateRecipe
from ons_bigdata.phones.schemas.estimates import PhoneFlowEstimate, PhoneFlowTotal, PhoneStandInCost, PublicationRule
from ons_bigdata.phones.schemas.figures import EVERYWHERE
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.platform.disclosure import PUBLISHED, control_counts
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import dataframely as dy

ESTIMATES, TOTALS, COSTS = (
    *("analysis.phone_flow_estimates", "analysis.phone_flow_totals", "analysis.phone_stand_in_costs"),
)
FRAMES: dict[str, type[dy.Schema]] = {ESTIMATES: PhoneFlowEstimate, TOTALS: PhoneFlowTotal, COSTS: PhoneStandInCost}
COMBINED = "combined"
"""Provider of the flows of several operators as one."""
NOT_SUPPLIED = "not_supplied"
MOST_ZONES = 1_000
"""Zones above which no correction of distance is fitted: it needs all their pairs."""

BY_MONTH = by_month(["flows", "segments", "weights"], whole=["figures", "census", "places", "rules"])
_DELIVERY = ["data_origin", "provider", "month", "geography", "vintage", "day_type"]
_FLOW = ["origin", "destination", "flow", "status", "lower", "upper"]
_KEY = ["origin", "destination"]
_WEIGHT = ["area", "weight", "weight_error", "residents", "devices"]


class Delivery(NamedTuple):
    """Flows of a delivery with the weights of its zones: the input of its estimates."""

    labels: Mapping[str, object]
    """Values of `_DELIVERY`."""
    flows: pl.DataFrame
    """origin, destination, flow, status, lower, upper."""
    weights: pl.DataFrame
    """area, weight, weight_error, residents, devices of the zones."""
    dispersion: float
    """Variance of a count over its mean."""


class Ground(NamedTuple):
    """Knowledge of the zones of a delivery from elsewhere: census, places, figures."""

    covariate: pl.DataFrame
    """area, covariate; empty without."""
    payg_share: float | None
    """Share of pay-as-you-go phones; None without a figure."""
    census: pl.DataFrame
    """Census tables of the geography: census_year, origin, destination, persons."""
    places: pl.DataFrame
    """Positions of zones."""


@tables_asset(
    name="phone_flow_estimates",
    tables=[
        Table(
            ESTIMATES, PhoneFlowEstimate, "One row per delivery, method and pair of zones: travel to work.", BY_MONTH
        ),
        Table(
            TOTALS,
            PhoneFlowTotal,
            "One row per delivery and kind of pairs: persons of all pairs, with intervals.",
            BY_MONTH,
        ),
        Table(
            COSTS, PhoneStandInCost, "One row per delivery and class of pairs: bias where contracts stand in.", BY_MONTH
        ),
    ],
    inputs={
        "flows": "intermediate.int_phones__flows_united",
        "segments": "intermediate.int_phones__segment_flows",
        "weights": WEIGHT_TABLE,
        "figures": "staging.stg_phones__population_figures",
        "census": "intermediate.int_phones__census_flows_united",
        "places": "intermediate.int_phones__places_united",
        "rules": "seeds.phone_publication_rules",
    },
)
def phone_flow_estimates(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Travel to work of each delivery by each method that its inputs allow, and of several operators as one."""
    rules = read_rules(inputs)
    stale = stale_months(inputs, run, FRAMES, "flows")
    flows = stale.read(inputs, "flows", [*_DELIVERY, *_FLOW])
    weights = stale.read(
        inputs,
        "weights",
        [*_DELIVERY[:-1], "area", "segment", "weight", "weight_error", "residents", "devices", "status"],
    )
    figures = inputs.read("figures", ["data_origin", "geography", "figure", "area", "category", "value", "year"])
    census = inputs.read(
        "census", ["data_origin", "geography", "census_year", "origin", "destination", "destination_kind", "persons"]
    )
    places = inputs.read(
        "places", ["data_origin", "geography", "code", "longitude", "latitude", "easting_km", "northing_km"]
    )
    segments = stale.read(inputs, "segments", [*_DELIVERY, "segment", *_KEY, "flow", "lower", "upper"])
    made: dict[str, list[pl.DataFrame]] = {name: [frame.create_empty()] for name, frame in FRAMES.items()}
    not_made: list[str] = []
    for delivery in [*deliveries_of(flows, weights), *combined_deliveries(flows, weights)]:
        here = [pl.col(name) == delivery.labels[name] for name in ("data_origin", "geography")]
        same = [pl.col(name) == delivery.labels[name] for name in _DELIVERY]
        ground = ground_of(figures.filter(*here), census.filter(*here), places.filter(*here))
        by_method, why = estimates_of(delivery, ground, rules, TRAVEL_TO_WORK)
        not_made += [f"{', '.join(str(label) for label in delivery.labels.values())}: {line}" for line in why]
        tables = {
            ESTIMATES: by_method,
            TOTALS: totals_of(delivery, TRAVEL_TO_WORK),
            COSTS: costs_of(segments.filter(*same), weights.filter(*same[:-1]), ground, TRAVEL_TO_WORK),
        }
        for name, table in tables.items():
            stamped = table.with_columns(
                **{column: pl.lit(value) for column, value in delivery.labels.items()},
                recipe=pl.lit(TRAVEL_TO_WORK.name),
                parameters_hash=pl.lit(TRAVEL_TO_WORK.parameters_hash),
            )
            made[name].append(stamped.select(FRAMES[name].column_names()))
    for line in not_made:
        run.log.info(line)
    done = {name: pl.concat(parts, how="vertical_relaxed") for name, parts in made.items()}
    shown = int((done[ESTIMATES]["status"] == PUBLISHED).sum())
    metadata: dict[str, Mapping[str, object]] = {ESTIMATES: {"published": shown, "methods_not_made": not_made}}
    return stale.outputs(done, metadata)


def read_rules(inputs: Inputs) -> dict[str, int]:
    """Threshold and rounding base. Raises InputError where one is missing."""
    values = dict(PublicationRule.validate(inputs.read("rules", PublicationRule.column_names())).iter_rows())
    missing = {"threshold", "rounding_base"} - set(values)
    if missing:
        raise InputError(f"seeds.phone_publication_rules has no {', '.join(sorted(missing))}")
    return {name: int(value) for name, value in values.items()}


def deliveries_of(flows: pl.DataFrame, weights: pl.DataFrame) -> list[Delivery]:
    """Deliveries in the order of their labels, each with the weights of its zones; counts are taken as Poisson."""
    found = []
    for key, cells in sorted(
        flows.partition_by(_DELIVERY, as_dict=True, include_key=False).items(), key=lambda item: str(item[0])
    ):
        labels = dict(zip(_DELIVERY, key, strict=True))
        same = [pl.col(name) == labels[name] for name in _DELIVERY[:-1]]
        of_zones = weights.filter(*same, pl.col("segment") == EVERYWHERE)
        found.append(Delivery(labels, cells.select(_FLOW), of_zones.select(_WEIGHT), TRAVEL_TO_WORK.dispersion))
    return found


def combined_deliveries(flows: pl.DataFrame, weights: pl.DataFrame) -> list[Delivery]:
    """Several operators as one, for each month and geography that two with raked weights delivered.

    Only pairs that all of them supplied count: then the rate of an origin is the sum of the operators' rates. The
    dispersion is that of the operators' disagreement, at least 1.
    """
    raked = weights.filter((pl.col("segment") == EVERYWHERE) & (pl.col("status") == "raked")).drop_nulls("weight")
    usable = flows.join(raked.select(*_DELIVERY[:-1], origin="area"), on=[*_DELIVERY[:-1], "origin"], how="semi")
    usable = usable.filter((pl.col("status") == NOT_SUPPLIED) | pl.col("upper").is_not_null())
    group = [name for name in _DELIVERY if name != "provider"]
    found = []
    for key, cells in sorted(usable.partition_by(group, as_dict=True).items(), key=lambda item: str(item[0])):
        operators = cells["provider"].n_unique()
        if operators < 2:
            continue
        labels = dict(zip(group, key, strict=True))
        of_zones = raked.filter(pl.col(name) == labels[name] for name in group[:-1])
        pooled = combine_operators(
            cells.select(*_KEY, "flow", "status", operator="provider", flow_lower="lower", flow_upper="upper"),
            of_zones.select("area", "weight", operator="provider"),
        ).filter(pl.col("operators") == operators)
        is_exact = pl.col("flow_lower") == pl.col("flow_upper")
        pooled_cells = pooled.select(
            *_KEY,
            flow=pl.when(is_exact).then("flow"),
            status=pl.when(is_exact).then(pl.lit("observed")).otherwise(pl.lit("suppressed")),
            lower="flow_lower",
            upper="flow_upper",
        )
        rate = 1 / pl.col("weight")
        summed = of_zones.group_by("area").agg(
            weight=1 / rate.sum(),
            weight_error=((rate * pl.col("weight_error")) ** 2).sum().sqrt() / rate.sum(),
            residents=pl.col("residents").max(),
            devices=pl.col("devices").sum(),
        )
        dispersion = max(operator_dispersion(pooled) or 1.0, 1.0)
        ordered = {name: COMBINED if name == "provider" else labels[name] for name in _DELIVERY}
        found.append(Delivery(ordered, pooled_cells, summed.sort("area").select(_WEIGHT), dispersion))
    return found


def ground_of(figures: pl.DataFrame, census: pl.DataFrame, places: pl.DataFrame) -> Ground:
    """Latest covariate of zones and latest share of pay-as-you-go phones, beside census and places."""
    latest = figures.sort("year").unique(["figure", "area", "category"], keep="last", maintain_order=True)
    of_all = latest.filter(pl.col("category") == EVERYWHERE)
    payg = of_all.filter((pl.col("figure") == "payg_share") & (pl.col("area") == EVERYWHERE))
    return Ground(
        of_all.filter(pl.col("figure") == "covariate").select("area", covariate="value").sort("area"),
        float(payg["value"][0]) if payg.height else None,
        census.filter(pl.col("destination_kind") == "zone").select("census_year", *_KEY, "persons"),
        places.drop("data_origin", "geography"),
    )


def estimates_of(
    delivery: Delivery, ground: Ground, rules: Mapping[str, int], recipe: EstimateRecipe
) -> tuple[pl.DataFrame, list[str]]:
    """Rows of travel to work by each method, and why methods were not made.

    Devices are controlled first; every number of a published pair is a function of its rounded devices and of sums
    over many pairs, so that nothing more follows from several methods than from one.
    """
    controlled = controlled_cells(delivery.flows, rules)
    shown = controlled.filter(pl.col("status") == PUBLISHED).select(
        *_KEY, pl.col("devices").cast(pl.Float64), "least", "most"
    )
    coverage = (
        delivery.weights.filter((pl.col("devices") > 0) & (pl.col("residents") > 0))
        .select("area", population="residents", users="devices")
        .sort("area")
    )
    made: dict[str, pl.DataFrame] = {}
    why: list[str] = []

    def attempt(method: str, make: Callable[[], pl.DataFrame]) -> None:
        try:
            made[method] = make()
        except ValueError as error:
            why.append(f"{method}: {error}")

    chance = {"dispersion": delivery.dispersion, "confidence": recipe.confidence}
    attempt(estimation.WEIGHTS, lambda: estimation.weighted_estimates(shown, delivery.weights, **chance))
    attempt(estimation.INVERSE, lambda: estimation.covered_estimates(shown, coverage, None, **chance))
    if ground.covariate.height:
        attempt(estimation.SELECTION, lambda: estimation.covered_estimates(shown, coverage, ground.covariate, **chance))
    attempt(estimation.CORRECTED, lambda: _corrected(delivery, ground, shown, coverage, recipe))
    rows = [
        controlled.select(*_KEY, "devices", "status")
        .join(table.drop("devices"), on=_KEY, how="left", maintain_order="left")
        .with_columns(method=pl.lit(method))
        for method, table in made.items()
        if table["persons"].count()
    ]
    why += [f"{method}: no pair has a number" for method, table in made.items() if not table["persons"].count()]
    if not rows:
        return PhoneFlowEstimate.create_empty().drop("recipe", *_DELIVERY, "parameters_hash"), why
    hidden = pl.when(pl.col("status") != PUBLISHED).then(pl.lit("hidden"))
    return pl.concat(rows, how="vertical_relaxed").with_columns(
        quality=estimation.quality_of(recipe), reason=pl.coalesce("reason", hidden)
    ), why


def controlled_cells(flows: pl.DataFrame, rules: Mapping[str, int]) -> pl.DataFrame:
    """Pairs with rounded devices: origin, destination, devices (null where hidden), least, most, status.

    `least` and `most` are the devices that round to the published number. A cell that the operator suppressed counts
    with its least number, one that it rounded with its rounded number.
    """
    supplied = flows.filter(pl.col("status") != NOT_SUPPLIED)
    count = pl.coalesce("flow", "lower").round().cast(pl.Int64)
    controlled = control_counts(
        supplied.select(*_KEY, devices=count), "devices", threshold=rules["threshold"], base=rules["rounding_base"]
    )
    half = (rules["rounding_base"] - 1) / 2
    out = flows.filter(pl.col("status") == NOT_SUPPLIED).select(
        *_KEY, devices=pl.lit(None, pl.Int64), status=pl.lit(NOT_SUPPLIED)
    )
    ends = {
        "least": (pl.col("devices") - half).clip(lower_bound=rules["threshold"]),
        "most": pl.col("devices") + half,
    }
    return pl.concat([controlled, out]).with_columns(**ends).sort(_KEY)


def _corrected(
    delivery: Delivery, ground: Ground, shown: pl.DataFrame, coverage: pl.DataFrame, recipe: EstimateRecipe
) -> pl.DataFrame:
    if ground.census.is_empty():
        raise ValueError("no census of these zones")
    study = study_of(delivery.flows, census_years(ground.census), ground.places, most_zones=MOST_ZONES)
    between = pl.col("origin") != pl.col("destination")
    pairs = correction_pairs(study, middles(study.flows.filter(between)), coverage)
    fit = fit_to_zones(pairs, confidence=recipe.confidence, seed=recipe.seed)
    return estimation.corrected_estimates(shown, pairs, fit)


def totals_of(delivery: Delivery, recipe: EstimateRecipe) -> pl.DataFrame:
    """Persons of all pairs, within and between zones; the hidden cells as the middle of their bounds."""
    cells = with_bounds(delivery.flows).filter(pl.col("status") != NOT_SUPPLIED).drop_nulls("flow")
    totals = estimation.total_estimates(cells, delivery.weights, recipe)
    is_complete = pl.col("lower").is_not_null()
    return totals.with_columns(status=pl.when(is_complete).then(pl.lit("complete")).otherwise(pl.lit("no_interval")))


def costs_of(segments: pl.DataFrame, weights: pl.DataFrame, ground: Ground, recipe: EstimateRecipe) -> pl.DataFrame:
    """Bias, by distance, of letting contract customers stand in for pay-as-you-go ones; no row where that is unknown.

    It needs flows of both tariffs, devices of both by zone, and the regulator's share of pay-as-you-go.
    """
    empty = PhoneStandInCost.create_empty().drop("recipe", *_DELIVERY, "parameters_hash")
    if segments["segment"].n_unique() < 2 or ground.payg_share is None:
        return empty
    tariff = pl.when(pl.col("segment").str.contains(r"(^|\+)payg(\+|$)")).then(pl.lit("payg")).when(
        pl.col("segment").str.contains(r"(^|\+)contract(\+|$)")
    ).then(pl.lit("contract"))  # fmt: skip
    split = weights.with_columns(segment=tariff).drop_nulls("segment").group_by("area", "segment").agg(
        pl.col("devices").sum(), pl.col("residents").max()
    )  # fmt: skip
    both = split.filter((pl.col("devices") > 0) & pl.col("residents").is_not_null())
    both = both.filter(pl.len().over("area") == 2)
    share = pl.when(pl.col("segment") == "payg").then(ground.payg_share).otherwise(1 - ground.payg_share)
    coverage = both.select("area", "segment", "devices", population=pl.col("residents") * share).sort("area", "segment")
    flow = pl.coalesce("flow", (pl.col("lower") + pl.col("upper")) / 2)
    placed = ground.places["code"].implode()
    cells = (
        segments.join(coverage.select("segment", origin="area"), on=["segment", "origin"], how="semi")
        .with_columns(flow=flow)
        .filter(pl.col("origin") != pl.col("destination"), pl.col("flow") > 0)
        .filter(pl.col("origin").is_in(placed) & pl.col("destination").is_in(placed))
        .select(*_KEY, "segment", "flow")
    )
    if cells["segment"].n_unique() < 2:
        return empty
    codes = pl.concat([cells["origin"], cells["destination"]]).unique()
    distances = zone_distances(ground.places.filter(pl.col("code").is_in(codes.implode())).sort("code"))
    classes = pair_classes(distances.select(_KEY), distances=distances)
    cost = stand_in_cost(cells, coverage, classes, draws=recipe.draws, seed=recipe.seed)
    status = (
        pl.when(pl.col("log_bias").is_null())
        .then(pl.lit("no_value"))
        .when(pl.col("lower").is_null())
        .then(pl.lit("no_interval"))
        .otherwise(pl.lit("complete"))
    )
    return cost.rename({"estimate": "stand_in_flow", "reference": "full_flow"}).with_columns(status=status)


ASSETS = [phone_flow_estimates]
