"""A delivery of flows against a census, with the reference models and the sampling floor in the same table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.estimation.flow_metrics import METRICS
from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.estimation.flow_validation.levels import validate_flows, zone_residuals
from ons_bigdata.estimation.flow_validation.sampling_floor import sampling_floor
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.raking import rake
from ons_bigdata.phones.methods.comparison.correction_pairs import correct_held_out, correction_pairs
from ons_bigdata.phones.methods.comparison.employment import raked_to_employment
from ons_bigdata.phones.methods.comparison.smoothed_census import previous_census_smoothed
from ons_bigdata.phones.methods.comparison.study_area import StudyFlows, middles, with_bounds
from ons_bigdata.phones.methods.pair_classes import BANDS_KM, KEY, pair_classes
from ons_bigdata.phones.methods.reference_models import (
    Deterrence,
    fit_deterrence,
    gravity,
    previous_census,
    previous_census_raked,
    radiation,
)
from ons_bigdata.phones.methods.weighting import inverse_penetration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ons_bigdata.estimation.flow_bounds import Margins

EMPLOYMENT = "previous_census_employment"
SMOOTHED = "previous_census_smoothed"
PHONES, WEIGHTED, INVERSE, SAMPLE = "phone_flows", "weighted", "inverse_penetration", "perfect_sample"
HELD_OUT = "held_out_"
"""Beginning of the names of estimates that are judged between zones whose flows the correction has not seen."""
CORRECTED = f"{HELD_OUT}distance_corrected"
INTERVAL_HOLDS = "interval_holds"
"""Metric: share of the pairs whose 95 % interval holds the census flow."""
COUNTS = ("pairs", "estimate_total", "reference_total", "scale_factor", "left_out_pairs")
"""Counts of `compare_flows` that are kept beside its metrics."""
MOST_JOINT_CELLS = 10_000
"""Hidden cells up to which both margins are used at once; linear programs over more take many seconds."""
_NO_CELL = "no cell in the zone"


@dataclass(frozen=True)
class ComparisonRecipe:
    """Parameters of a comparison."""

    name: str
    draws: int
    """Resamples of origins behind the intervals."""
    samples: int
    """Perfect samples behind the sampling floor."""
    confidence: float
    bands_km: tuple[float, ...]
    deterrence: Deterrence
    most_zones: int
    """Zones above which no model over all pairs is fitted."""
    seed: int

    @property
    def parameters_hash(self) -> str:
        """Hash of all parameters: 16 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


BETWEEN_ZONES = ComparisonRecipe("between_zones", 200, 40, 0.95, BANDS_KM, "power", 1_000, 0)


Estimates = dict[str, pl.DataFrame | str]
"""Flows by name of the estimate, or the reason why there are none."""


def estimates(study: StudyFlows, recipe: ComparisonRecipe) -> Estimates:
    """Flows between different zones to be compared with the census: the delivery, raked, and the reference models.

    The models have the totals by origin and destination of the census, and the gravity model its parameter of distance:
    what they know is more than an operator knows. A model that cannot be fitted has its reason instead of flows.
    """
    between = pl.col("origin") != pl.col("destination")
    census = study.census.filter(between)
    ours = study.flows.filter(between)
    made: Estimates = {PHONES: ours}
    if census["flow"].sum() <= 0 or middles(ours)["flow"].sum() <= 0:
        return made
    totals = [census.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY]
    made["phone_flows_raked"] = _attempt(
        lambda: rake(middles(ours), totals[0], totals[1]).select(*KEY, flow="flow_adjusted")
    )
    if len(study.zones) > recipe.most_zones:
        made |= dict.fromkeys(("gravity_doubly", "radiation"), _too_many(study, recipe))
    else:
        zeros = pl.col("total").fill_null(0.0)
        full = [
            pl.DataFrame({side: study.zones}).join(total, on=side, how="left").with_columns(zeros)
            for side, total in zip(KEY, totals, strict=True)
        ]
        made["gravity_doubly"] = _attempt(lambda: _gravity(census, full, study.distances, recipe))
        made["radiation"] = _attempt(lambda: radiation(full[0], full[1], study.distances, normalised=True))
    if study.weights is not None:
        weighted = middles(ours).join(study.weights.select(origin="area", weight="weight"), on="origin", how="left")
        made[WEIGHTED] = _attempt(lambda: _weighted(weighted))
    if study.coverage is not None:
        coverage = study.coverage
        made[INVERSE] = _attempt(
            lambda: inverse_penetration(middles(ours), coverage, weight_by="both").select(*KEY, flow="flow_adjusted")
        )
    if study.previous is not None:
        whole, employment = study.previous, study.employment
        earlier = study.previous.filter(between)
        made["previous_census"] = _attempt(lambda: previous_census(earlier))
        made[EMPLOYMENT] = (
            employment if isinstance(employment, str) else _attempt(partial(raked_to_employment, whole, employment))
        )
        made["previous_census_raked"] = _attempt(lambda: previous_census_raked(earlier, totals[0], totals[1]))
        made[SMOOTHED] = (
            _too_many(study, recipe)
            if len(study.zones) > recipe.most_zones
            else _attempt(lambda: previous_census_smoothed(earlier, study.distances, totals[0], totals[1]))
        )
    return made


def _too_many(study: StudyFlows, recipe: ComparisonRecipe) -> str:
    return f"{len(study.zones)} zones; models over all pairs are fitted to at most {recipe.most_zones}"


def _weighted(flows: pl.DataFrame) -> pl.DataFrame:
    without = flows.filter(pl.col("weight").is_null())["origin"].unique().sort()
    if len(without):
        raise ValueError(f"{len(without)} zones without a weight, such as {without[0]}")
    return flows.select(*KEY, flow=pl.col("flow") * pl.col("weight"))


def held_out_estimates(study: StudyFlows, recipe: ComparisonRecipe) -> tuple[Estimates, pl.DataFrame | None]:
    """Estimates between zones of the same half, corrected by what the other half teaches; and their intervals.

    The delivery, its inverse penetration by both ends and the previous census are cut to the same pairs, so that the
    estimates may be compared. Returns the estimates by name, or the reason why there is no correction; and the pairs
    with lower, upper and reference, None without a correction.
    """
    if study.coverage is None:
        return {CORRECTED: "no residents of the zones"}, None
    between = pl.col("origin") != pl.col("destination")
    ours = middles(study.flows.filter(between))
    try:
        if len(study.zones) > recipe.most_zones:
            raise ValueError(f"{len(study.zones)} zones; it is fitted to at most {recipe.most_zones}")
        pairs = correction_pairs(study, ours, study.coverage)
        judged = correct_held_out(pairs, confidence=recipe.confidence, seed=recipe.seed)
    except ValueError as error:
        return {CORRECTED: str(error)}, None
    users = judged.filter(pl.col("flow") > 0)
    made: Estimates = {
        f"{HELD_OUT}{PHONES}": users.select(*KEY, "flow"),
        f"{HELD_OUT}{INVERSE}": users.select(*KEY, flow=pl.col("flow") * pl.col("weight")),
        CORRECTED: judged.select(*KEY, flow="flow_adjusted"),
    }
    if study.previous is not None:
        made[f"{HELD_OUT}previous_census"] = study.previous.join(judged.select(KEY), on=KEY, how="semi")
    return made, judged


def compare_held_out(study: StudyFlows, recipe: ComparisonRecipe) -> pl.DataFrame:
    """Agreement with the census of the estimates of `held_out_estimates`, in the columns of `compare_with_census`.

    The corrected flows have besides the metric `interval_holds`: the share of the judged pairs whose interval holds
    the flow of the census.
    """
    made, judged = held_out_estimates(study, recipe)
    census = study.census.filter(pl.col("origin") != pl.col("destination"))
    if judged is None:
        whole = pl.concat([_without_value(name, why) for name, why in made.items() if isinstance(why, str)])
        return whole.select(_COLUMNS).with_columns(status=_status("value"))
    inside = census.join(judged.select(KEY), on=KEY, how="semi")
    parts = [_compared(name, flows, inside, study, recipe, {}) for name, flows in made.items()]
    held = judged.select(pl.col("reference").is_between("lower", "upper").mean()).item()
    share = pl.DataFrame(
        {"estimate": CORRECTED, "metric": INTERVAL_HOLDS, "value": held, "reason": "a share of pairs: no interval"}
    ).with_columns(**dict.fromkeys(("lower", "upper", "least", "most"), _NULL))
    whole = pl.concat([*parts, share.select(_COLUMNS)], how="vertical_relaxed")
    return _kept(whole)


def _compared(
    name: str,
    flows: pl.DataFrame | str,
    census: pl.DataFrame,
    study: StudyFlows,
    recipe: ComparisonRecipe,
    margins: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    """Metrics of one estimate with intervals, and the bounds of hidden cells alone."""
    if isinstance(flows, str):
        return _without_value(name, flows).select(_COLUMNS)
    known: Mapping[str, Any] = {**margins, "margins": _kind_of_margins(flows, margins)}
    table, bounds = (
        compare_flows(
            flows,
            census,
            distances=study.distances,
            draws=draws,
            seed=recipe.seed,
            confidence=recipe.confidence,
            **known,
        )
        for draws in (recipe.draws, 0)
    )
    alone = bounds.select("metric", least="lower", most="upper")
    joined = table.join(alone, on="metric", how="left", maintain_order="left")
    return joined.with_columns(estimate=pl.lit(name)).select(_COLUMNS)


def _kind_of_margins(flows: pl.DataFrame, margins: Mapping[str, pl.DataFrame]) -> Margins:
    """Both margins at once where the hidden cells are few, on whole numbers where all numbers are whole."""
    if len(margins) < 2 or not {"lower", "upper"} <= set(flows.columns):
        return "each"
    if flows.filter(pl.col("upper") > pl.col("lower")).height > MOST_JOINT_CELLS:
        return "each"
    numbers = pl.concat(
        [flows.select(number=pl.col(name).cast(pl.Float64)) for name in ("flow", "lower", "upper")]
        + [table.select(number=pl.col("total").cast(pl.Float64)) for table in margins.values()]
    )["number"].drop_nulls()
    return "whole" if (numbers == numbers.round()).all() else "joint"


def _kept(whole: pl.DataFrame) -> pl.DataFrame:
    known = (*METRICS, *COUNTS, INTERVAL_HOLDS)
    return whole.filter(pl.col("metric").is_in(known)).with_columns(status=_status("value"))


def compare_with_census(study: StudyFlows, made: Estimates, recipe: ComparisonRecipe) -> pl.DataFrame:
    """Agreement of each estimate with the census between different zones, and that of a perfect sample.

    Returns estimate, metric, value, lower, upper, least, most, reason, status: the metrics of
    `estimation.flows.compare_flows`, each estimate scaled to the total of the census. `least` and `most` are the bounds
    of suppressed and rounded cells without sampling. An estimate without flows has one row, metric `cpc`, with the
    reason.
    """
    census = study.census.filter(pl.col("origin") != pl.col("destination"))
    parts = [
        _compared(name, flows, census, study, recipe, study.margins if name == PHONES else {})
        for name, flows in made.items()
    ]
    size = float(middles(study.flows.filter(pl.col("origin") != pl.col("destination")))["flow"].sum())
    if size >= 1 and census["flow"].sum() > 0:
        floor = sampling_floor(
            census,
            size,
            distances=study.distances,
            draws=recipe.samples,
            seed=recipe.seed,
            confidence=recipe.confidence,
        )
        why = pl.when(pl.col("value").is_null()).then(pl.lit("no sample has a value"))
        parts.append(floor.with_columns(reason=why, estimate=pl.lit(SAMPLE), **dict.fromkeys(("least", "most"), _NULL)))
    else:
        parts.append(_without_value(SAMPLE, "the delivery or the census has no flow between the zones"))
    return _kept(pl.concat([part.select(_COLUMNS) for part in parts], how="vertical_relaxed"))


def levels_of_validation(
    study: StudyFlows, made: Estimates, compared: pl.DataFrame, recipe: ComparisonRecipe
) -> pl.DataFrame:
    """The levels of validation that `compare_with_census` does not have: totals, margins, residuals, distribution.

    `compared`: its rows. Returns estimate, level, metric, value, lower, upper, reason, status, floor: the columns of
    `LevelMetric` for each estimate with flows, `floor` from the perfect sample.
    """
    census = study.census.filter(pl.col("origin") != pl.col("destination"))
    floor = compared.filter(pl.col("estimate") == SAMPLE).select("metric", floor="value")
    parts = []
    for name, flows in made.items():
        if isinstance(flows, str) or census["flow"].sum() <= 0:
            continue
        of_estimate = compared.filter(pl.col("estimate") == name).select("metric", "value", "lower", "upper", "reason")
        table = validate_flows(
            flows, census, study.distances, draws=recipe.draws, seed=recipe.seed, compared=of_estimate
        ).drop("floor")
        parts.append(table.with_columns(estimate=pl.lit(name)))
    if not parts:
        return pl.DataFrame(schema=_LEVELS)
    whole = pl.concat(parts).filter(pl.col("level") != "pairs")
    joined = whole.join(floor, on="metric", how="left", maintain_order="left")
    return joined.with_columns(status=_status("value")).select(list(_LEVELS))


def residuals_of_zones(study: StudyFlows, made: Estimates) -> pl.DataFrame:
    """Residual of each zone and local Moran's I, for maps: estimate, side, zone, residual, local_moran."""
    census = study.census.filter(pl.col("origin") != pl.col("destination"))
    parts = []
    for name, flows in made.items():
        if isinstance(flows, str) or census["flow"].sum() <= 0:
            continue
        for side in KEY:
            table = zone_residuals(flows, census, study.distances, side=side)  # type: ignore[arg-type]
            parts.append(table.with_columns(estimate=pl.lit(name), side=pl.lit(side)))
    columns = ["estimate", "side", "zone", "residual", "local_moran"]
    kinds = dict.fromkeys(columns[:3], pl.String) | dict.fromkeys(columns[3:], pl.Float64)
    return pl.concat(parts).select(columns) if parts else pl.DataFrame(schema=kinds)


def bias_by_class(
    study: StudyFlows,
    made: Estimates,
    recipe: ComparisonRecipe,
    masts: pl.DataFrame | None = None,
    areas: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Signed bias of each estimate by distance and by class of the origin; of the delivery within and between zones.

    `masts`: area, mean_radius_km of the cells of the origin, for zones with cells. `areas`: area and classifications of
    the origin (rurality, district) of every zone. Between different zones, scaled;
    `kind` is over all pairs and exists where delivery and census both have flows within zones. Returns the columns of
    `ClassBias` with estimate, place_in_order and status.
    """
    between = pl.col("origin") != pl.col("destination")
    census = study.census.filter(between)
    classes = _classes(study, recipe, masts, areas)
    parts = [
        _bias(flows, census, classes, recipe, study.margins if name == PHONES else {}).with_columns(
            estimate=pl.lit(name)
        )
        for name, flows in made.items()
        if not isinstance(flows, str) and census["flow"].sum() > 0
    ]
    within = [table.filter(~between)["flow"].sum() for table in (middles(study.flows), study.census)]
    if min(within) > 0:
        pairs = pl.concat([study.flows.select(KEY), study.census.select(KEY)]).unique().sort(KEY)
        kinds = pair_classes(pairs)
        parts.append(_bias(study.flows, study.census, kinds, recipe, {}).with_columns(estimate=pl.lit(PHONES)))
    if not parts:
        return pl.DataFrame(schema=_BIAS)
    order = (pl.col("category").rank("dense").over("classification") - 1).cast(pl.Int32)
    return pl.concat(parts).with_columns(place_in_order=order, status=_status("log_bias"))


def pairs_compared(study: StudyFlows) -> pl.DataFrame:
    """Pairs of different zones with a flow in a table: delivered and census flow side by side.

    Returns origin, destination, distance_km, flow, flow_status, scaled_flow, scaled_least, scaled_most, census_flow.
    The scale is that of the total of the census over the pairs that were supplied.
    """
    between = pl.col("origin") != pl.col("destination")
    bounded = with_bounds(study.flows.filter(between))
    census = study.census.filter(between).select(*KEY, census_flow=pl.col("flow"))
    pairs = (
        study.distances.join(bounded, on=KEY, how="left")
        .join(census, on=KEY, how="left")
        .with_columns(pl.col("census_flow").fill_null(0.0), flow_status=pl.col("status").fill_null("not_listed"))
        .with_columns(
            pl.when(pl.col("flow_status") != "not_supplied").then(pl.col(column).fill_null(0.0)).alias(column)
            for column in ("flow", "lower", "upper")
        )
        .filter((pl.col("census_flow") > 0) | (pl.col("upper") > 0))
        .sort(KEY)
    )
    supplied = pairs.filter(pl.col("flow").is_not_null())
    total = float(supplied["flow"].sum())
    factor = float(supplied["census_flow"].sum()) / total if total > 0 else 1.0
    return pairs.select(
        *KEY,
        "distance_km",
        "flow",
        "flow_status",
        scaled_flow=pl.col("flow") * factor,
        scaled_least=pl.col("lower") * factor,
        scaled_most=pl.col("upper") * factor,
        census_flow="census_flow",
    )


_LEVELS: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(("estimate", "level", "metric"), pl.String),
    **dict.fromkeys(("value", "lower", "upper"), pl.Float64),
    "reason": pl.String,
    "status": pl.String,
    "floor": pl.Float64,
}
_NULL = pl.lit(None, dtype=pl.Float64)
_COLUMNS = ["estimate", "metric", "value", "lower", "upper", "least", "most", "reason"]
_BIAS: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(("classification", "category"), pl.String),
    **dict.fromkeys(("pairs", "origins"), pl.Int64),
    **dict.fromkeys(("estimate_flow", "reference", "log_bias", "lower", "upper"), pl.Float64),
    **dict.fromkeys(("reason", "estimate"), pl.String),
    "place_in_order": pl.Int32,
    "status": pl.String,
}


def _attempt(make: Callable[[], pl.DataFrame]) -> pl.DataFrame | str:
    """Flows of a model, or why it cannot be fitted to these totals: the reason is a row of the comparison."""
    try:
        return make()
    except ValueError as error:
        return str(error)


def _gravity(
    census: pl.DataFrame,
    totals: list[pl.DataFrame],
    distances: pl.DataFrame,
    recipe: ComparisonRecipe,
) -> pl.DataFrame:
    fit = fit_deterrence(census, distances, deterrence=recipe.deterrence)
    return gravity(
        totals[0],
        totals[1],
        distances,
        deterrence=recipe.deterrence,
        constraint="doubly",
        parameter=fit.parameter,
    )


def _bias(
    flows: pl.DataFrame,
    census: pl.DataFrame,
    classes: pl.DataFrame,
    recipe: ComparisonRecipe,
    margins: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    known: Mapping[str, Any] = margins
    made = signed_bias(
        flows, census, classes, draws=recipe.draws, seed=recipe.seed, confidence=recipe.confidence, **known
    )
    return made.rename({"estimate": "estimate_flow"})


def _classes(
    study: StudyFlows, recipe: ComparisonRecipe, masts: pl.DataFrame | None, areas: pl.DataFrame | None
) -> pl.DataFrame:
    """Distance band of the pairs of different zones; classes, mast reach and suppressed share of their origins."""
    pairs = study.distances.select(KEY)
    classes = pair_classes(pairs, distances=study.distances, areas=areas, bands_km=recipe.bands_km).drop("kind")
    if masts is not None and not masts.is_empty():
        served = pairs.join(masts.select(origin="area"), on="origin", how="semi")
        reach = pair_classes(served, masts=masts).drop("kind")
        classes = classes.join(reach, on=KEY, how="left", maintain_order="left").with_columns(
            pl.col("mast_reach").fill_null(_NO_CELL)
        )
    if (study.flows["status"] == "suppressed").any():
        classes = classes.join(
            pair_classes(pairs, delivery=study.flows).drop("kind"), on=KEY, how="left", maintain_order="left"
        )
    return classes


def _without_value(name: str, reason: str) -> pl.DataFrame:
    return pl.DataFrame({"estimate": name, "metric": "cpc", "reason": reason}).with_columns(
        **dict.fromkeys(("value", "lower", "upper", "least", "most"), _NULL)
    )


def _status(value: str) -> pl.Expr:
    return (
        pl.when(pl.col(value).is_null())
        .then(pl.lit("no_value"))
        .when(pl.col("lower").is_null() | pl.col("upper").is_null())
        .then(pl.lit("no_interval"))
        .otherwise(pl.lit("complete"))
    )
