"""A delivery of flows against a census, with the reference models and the sampling floor in the same table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ons_bigdata.estimation.flow_metrics import METRICS
from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.estimation.flow_validation.sampling_floor import sampling_floor
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.raking import rake
from ons_bigdata.phones.methods.pair_classes import BANDS_KM, KEY, pair_classes
from ons_bigdata.phones.methods.reference_models import (
    Deterrence,
    fit_deterrence,
    gravity,
    previous_census,
    previous_census_raked,
    radiation,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PHONES, SAMPLE = "phone_flows", "perfect_sample"
COUNTS = ("pairs", "estimate_total", "reference_total", "scale_factor", "left_out_pairs")
"""Counts of `compare_flows` that are kept beside its metrics."""
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


class StudyFlows(NamedTuple):
    """Flows of a study area: every zone is in the delivery, in the census and has a place."""

    zones: pl.Series
    """Codes of the zones, sorted."""
    flows: pl.DataFrame
    """Cells of the delivery: origin, destination, flow (null without a number), status, lower, upper (null)."""
    census: pl.DataFrame
    """origin, destination, flow: persons."""
    previous: pl.DataFrame | None
    """The same of an earlier census; None without."""
    distances: pl.DataFrame
    """origin, destination, distance_km of all pairs of different zones."""


Estimates = dict[str, pl.DataFrame | str]
"""Flows by name of the estimate, or the reason why there are none."""


def study_flows(
    flows: pl.DataFrame, census: pl.DataFrame, previous: pl.DataFrame | None, places: pl.DataFrame
) -> StudyFlows:
    """Cut flows to the zones that are origins of the delivery and of the census and have a place.

    Columns as in `StudyFlows`; `places`: code, longitude and latitude in degrees or easting_km and northing_km.
    """
    common = (
        places.select("code")
        .join(flows.select(code="origin"), on="code", how="semi")
        .join(census.select(code="origin"), on="code", how="semi")
    )
    zones = common["code"].unique().sort()
    inside = pl.all_horizontal(pl.col(key).is_in(zones.implode()) for key in KEY)
    cut = (None if table is None else table.filter(inside).sort(KEY) for table in (flows, census, previous))
    ours, theirs, earlier = cut
    assert ours is not None and theirs is not None  # noqa: S101  (None only for the earlier census)
    here = places.filter(pl.col("code").is_in(zones.implode())).sort("code")
    return StudyFlows(zones, ours, theirs, earlier, zone_distances(here))


def zone_distances(places: pl.DataFrame) -> pl.DataFrame:
    """Distances in km between different zones: origin, destination, distance_km.

    Straight on the plane for zones with easting_km and northing_km, along the great circle (radius 6,371 km) for those
    with longitude and latitude. Raises ValueError for a zone that has neither, or where the two kinds are mixed.
    """
    is_plane, is_globe = (places.select(pair).null_count().sum_horizontal().item() == 0 for pair in _PAIRS)
    if not (is_plane or is_globe):
        bad = places.filter(pl.any_horizontal(pl.col(_PAIRS[1]).is_null()))["code"].to_list()
        message = f"places: {len(bad)} zones without longitude and latitude, not all with a position in km: {bad[:5]}"
        raise ValueError(message)
    radians = places.select(
        "code", "easting_km", "northing_km", pl.col("longitude").radians(), pl.col("latitude").radians()
    )
    pairs = radians.join(radians, how="cross", suffix="_to").filter(pl.col("code") != pl.col("code_to"))
    apart = [(pl.col(f"{axis}_to") - pl.col(axis)) for axis in (*_PAIRS[0], *_PAIRS[1])]
    half = (apart[3] / 2).sin() ** 2 + pl.col("latitude").cos() * pl.col("latitude_to").cos() * (
        apart[2] / 2
    ).sin() ** 2
    distance = (apart[0] ** 2 + apart[1] ** 2).sqrt() if is_plane else 2 * 6371.0 * half.sqrt().arcsin()
    return pairs.select(origin="code", destination="code_to", distance_km=distance).sort(KEY)


_PAIRS = (["easting_km", "northing_km"], ["longitude", "latitude"])


def estimates(study: StudyFlows, recipe: ComparisonRecipe) -> Estimates:
    """Flows between different zones to be compared with the census: the delivery, raked, and the reference models.

    The models have the totals by origin and destination of the census, and the gravity model its parameter of distance:
    what they know is more than an operator knows. A model that cannot be fitted has its reason instead of flows.
    """
    between = pl.col("origin") != pl.col("destination")
    census = study.census.filter(between)
    ours = study.flows.filter(between)
    made: Estimates = {PHONES: ours}
    if census["flow"].sum() <= 0 or _middles(ours)["flow"].sum() <= 0:
        return made
    totals = [census.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY]
    made["phone_flows_raked"] = _attempt(
        lambda: rake(_middles(ours), totals[0], totals[1]).select(*KEY, flow="flow_adjusted")
    )
    if len(study.zones) > recipe.most_zones:
        why = f"{len(study.zones)} zones; models over all pairs are fitted to at most {recipe.most_zones}"
        made |= {"gravity_doubly": why, "radiation": why}
    else:
        zeros = pl.col("total").fill_null(0.0)
        full = [
            pl.DataFrame({side: study.zones}).join(total, on=side, how="left").with_columns(zeros)
            for side, total in zip(KEY, totals, strict=True)
        ]
        made["gravity_doubly"] = _attempt(lambda: _gravity(census, full, study.distances, recipe))
        made["radiation"] = _attempt(lambda: radiation(full[0], full[1], study.distances, normalised=True))
    if study.previous is not None:
        earlier = study.previous.filter(between)
        made["previous_census"] = _attempt(lambda: previous_census(earlier))
        made["previous_census_raked"] = _attempt(lambda: previous_census_raked(earlier, totals[0], totals[1]))
    return made


def compare_with_census(study: StudyFlows, made: Estimates, recipe: ComparisonRecipe) -> pl.DataFrame:
    """Agreement of each estimate with the census between different zones, and that of a perfect sample.

    Returns estimate, metric, value, lower, upper, least, most, reason, status: the metrics of
    `estimation.flows.compare_flows`, each estimate scaled to the total of the census. `least` and `most` are the bounds
    of suppressed and rounded cells without sampling. An estimate without flows has one row, metric `cpc`, with the
    reason.
    """
    census = study.census.filter(pl.col("origin") != pl.col("destination"))
    known = (*METRICS, *COUNTS)
    parts = []
    for name, flows in made.items():
        if isinstance(flows, str):
            parts.append(_without_value(name, flows))
            continue
        table, bounds = (
            compare_flows(
                flows, census, distances=study.distances, draws=draws, seed=recipe.seed, confidence=recipe.confidence
            )
            for draws in (recipe.draws, 0)
        )
        alone = bounds.select("metric", least="lower", most="upper")
        parts.append(
            table.join(alone, on="metric", how="left", maintain_order="left").with_columns(estimate=pl.lit(name))
        )
    size = float(_middles(study.flows.filter(pl.col("origin") != pl.col("destination")))["flow"].sum())
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
    whole = pl.concat([part.select(_COLUMNS) for part in parts], how="vertical_relaxed")
    return whole.filter(pl.col("metric").is_in(known)).with_columns(status=_status("value"))


def bias_by_class(
    study: StudyFlows, made: Estimates, recipe: ComparisonRecipe, masts: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Signed bias of each estimate by distance and by class of the origin; of the delivery within and between zones.

    `masts`: area, mean_radius_km of the cells of the origin, for zones with cells. Between different zones, scaled;
    `kind` is over all pairs and exists where delivery and census both have flows within zones. Returns the columns of
    `ClassBias` with estimate, place_in_order and status.
    """
    between = pl.col("origin") != pl.col("destination")
    census = study.census.filter(between)
    classes = _classes(study, recipe, masts)
    parts = [
        _bias(flows, census, classes, recipe).with_columns(estimate=pl.lit(name))
        for name, flows in made.items()
        if not isinstance(flows, str) and census["flow"].sum() > 0
    ]
    within = [table.filter(~between)["flow"].sum() for table in (_middles(study.flows), study.census)]
    if min(within) > 0:
        pairs = pl.concat([study.flows.select(KEY), study.census.select(KEY)]).unique().sort(KEY)
        kinds = pair_classes(pairs)
        parts.append(_bias(study.flows, study.census, kinds, recipe).with_columns(estimate=pl.lit(PHONES)))
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
    bounded = _with_bounds(study.flows.filter(between))
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


def _with_bounds(flows: pl.DataFrame) -> pl.DataFrame:
    """Flows with the middle of their bounds where there is no number; both bounds, or null where not supplied."""
    middle = pl.coalesce("flow", (pl.col("lower") + pl.col("upper")) / 2)
    return flows.with_columns(flow=middle, lower=pl.coalesce("lower", middle), upper=pl.coalesce("upper", middle))


def _middles(flows: pl.DataFrame) -> pl.DataFrame:
    """Cells with a positive flow, the middle of its bounds where it is hidden: origin, destination, flow."""
    return (
        _with_bounds(flows)
        .filter((pl.col("status") != "not_supplied") & (pl.col("flow") > 0))
        .select(*KEY, "flow")
        .sort(KEY)
    )


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


def _bias(flows: pl.DataFrame, census: pl.DataFrame, classes: pl.DataFrame, recipe: ComparisonRecipe) -> pl.DataFrame:
    made = signed_bias(flows, census, classes, draws=recipe.draws, seed=recipe.seed, confidence=recipe.confidence)
    return made.rename({"estimate": "estimate_flow"})


def _classes(study: StudyFlows, recipe: ComparisonRecipe, masts: pl.DataFrame | None) -> pl.DataFrame:
    """Distance band of the pairs of different zones, and mast reach and suppressed share of their origins."""
    pairs = study.distances.select(KEY)
    classes = pair_classes(pairs, distances=study.distances, bands_km=recipe.bands_km).drop("kind")
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
