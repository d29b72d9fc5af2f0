"""Travel to work from the devices of a delivery: persons by pair of zones with intervals, and totals."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.coverage_weights import inverse_penetration, selection_rate
from ons_bigdata.phones.methods.distance_correction import correct_distance
from ons_bigdata.phones.methods.weighting.expansion import weight_flows
from ons_bigdata.phones.methods.weighting.intervals import flow_intervals, total_intervals

if TYPE_CHECKING:
    from ons_bigdata.phones.methods.distance_correction import DistanceCorrection

KEY = ["origin", "destination"]
WEIGHTS, INVERSE, SELECTION, CORRECTED = "weights", "inverse_penetration", "selection_rate", "distance_corrected"
"""Methods of an estimate."""
GOOD, FAIR, POOR, NO_INTERVAL = "good", "fair", "poor", "no_interval"
"""Quality of an estimate, by half the width of its interval relative to it."""


@dataclass(frozen=True)
class EstimateRecipe:
    """Parameters of estimates of travel to work."""

    name: str
    confidence: float
    dispersion: float
    """Variance of a count over its mean where only one operator delivers; 1 is Poisson."""
    good: float
    """Relative half width up to which an estimate is good."""
    fair: float
    """Relative half width up to which it is fair; beyond it is poor."""
    draws: int
    """Resamples of origins behind the intervals of totals."""
    seed: int

    @property
    def parameters_hash(self) -> str:
        """Hash of all parameters: 16 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


TRAVEL_TO_WORK = EstimateRecipe("travel_to_work", 0.95, 1.0, 0.25, 0.5, 1_000, 0)

_COLUMNS = (*KEY, "devices", "persons", "lower", "upper", "reason")


def weighted_estimates(
    shown: pl.DataFrame, weights: pl.DataFrame, *, dispersion: float, confidence: float
) -> pl.DataFrame:
    """Persons of each pair: devices times the weight of their origin, with the interval of a count model.

    `shown`: origin, destination, devices (rounded), least, most (the range that rounding leaves). `weights`: area,
    weight, weight_error (null where an area has none). Returns `_COLUMNS`; pairs whose origin has no weight have null
    and a reason.
    """
    known = weights.drop_nulls(["weight", "weight_error"]).select("area", "weight", "weight_error")
    covered = shown.join(known.select(origin="area"), on="origin", how="semi")
    flows = covered.select(*KEY, flow="devices", flow_lower="least", flow_upper="most")
    weighted = weight_flows(flows, known).drop("flow_adjusted")
    made = flow_intervals(weighted, dispersion=dispersion, confidence=confidence).select(
        *KEY, devices="flow", persons="flow_adjusted", lower="lower", upper="upper", reason=pl.lit(None, pl.String)
    )
    return _with_missing(made, shown, "no weight of the zone of residence")


def covered_estimates(
    shown: pl.DataFrame,
    coverage: pl.DataFrame,
    covariate: pl.DataFrame | None,
    *,
    dispersion: float,
    confidence: float,
) -> pl.DataFrame:
    """Persons of each pair by the penetration of both ends; by selection rate where there is a covariate.

    `shown` as for `weighted_estimates`. `coverage`: area, population, users (both > 0). `covariate`: area, covariate
    (0 to 1). The relative error of a weight is that of its user counts, ½ √(1 / users + 1 / users). Returns `_COLUMNS`.
    """
    ends = [coverage.select(area, users="users") for area in (pl.col("area").alias("origin"), pl.col("area").alias("destination"))]  # fmt: skip  # noqa: E501
    covered = shown.join(ends[0].rename({"users": "out"}), on="origin").join(
        ends[1].rename({"users": "into"}), on="destination"
    )
    cells = covered.select(*KEY, "out", "into", "least", "most", flow="devices")
    adjusted = (
        inverse_penetration(cells, coverage, weight_by="both")
        if covariate is None
        else selection_rate(cells, coverage, covariate, weight_by="both")
    )
    counted = adjusted.filter(pl.col("flow") > 0).select(
        *KEY,
        "flow",
        weight=pl.col("flow_adjusted") / pl.col("flow"),
        weight_error=((1 / pl.col("out") + 1 / pl.col("into")).sqrt() / 2),
        flow_lower="least",
        flow_upper="most",
    )
    made = flow_intervals(counted, dispersion=dispersion, confidence=confidence).select(
        *KEY, devices="flow", persons="flow_adjusted", lower="lower", upper="upper", reason=pl.lit(None, pl.String)
    )
    return _with_missing(made, shown, "no residents or no users of an end")


def corrected_estimates(shown: pl.DataFrame, pairs: pl.DataFrame, correction: DistanceCorrection) -> pl.DataFrame:
    """Persons of each pair of different zones by the correction of distance, evaluated at the rounded devices.

    `shown` as for `weighted_estimates`; `pairs`: the pairs of the correction (`comparison.correction_pairs`), whose
    flows are replaced. Returns `_COLUMNS`; pairs outside of the study area, and within a zone, have null and a reason.
    """
    replaced = pairs.drop("flow").join(shown.select(*KEY, flow="devices"), on=KEY)
    corrected = correct_distance(replaced, correction) if replaced.height else replaced.with_columns(
        **dict.fromkeys(("flow_adjusted", "lower", "upper"), pl.lit(None, pl.Float64))
    )  # fmt: skip
    made = corrected.select(
        *KEY, devices="flow", persons="flow_adjusted", lower="lower", upper="upper", reason=pl.lit(None, pl.String)
    )
    return _with_missing(made, shown, "not corrected: within a zone, or outside of the study area")


def _with_missing(made: pl.DataFrame, shown: pl.DataFrame, why: str) -> pl.DataFrame:
    none = pl.lit(None, dtype=pl.Float64)
    missing = shown.join(made, on=KEY, how="anti").select(
        *KEY, devices="devices", persons=none, lower=none, upper=none, reason=pl.lit(why)
    )
    return pl.concat([made.select(_COLUMNS), missing.select(_COLUMNS)], how="vertical_relaxed").sort(KEY)


def quality_of(recipe: EstimateRecipe) -> pl.Expr:
    """Quality of rows with persons, lower and upper: good, fair, poor, or no_interval."""
    width = (pl.col("upper") - pl.col("lower")) / 2 / pl.col("persons")
    return (
        pl.when(~((pl.col("persons") > 0) & width.is_not_null()).fill_null(value=False))
        .then(pl.lit(NO_INTERVAL))
        .when(width <= recipe.good)
        .then(pl.lit(GOOD))
        .when(width <= recipe.fair)
        .then(pl.lit(FAIR))
        .otherwise(pl.lit(POOR))
    )


def total_estimates(cells: pl.DataFrame, weights: pl.DataFrame, recipe: EstimateRecipe) -> pl.DataFrame:
    """Totals of a delivery in persons: of all pairs, within and between zones, with intervals of resamples of origins.

    `cells`: origin, destination, flow (devices; a hidden cell as the middle of its bounds). `weights` as for
    `weighted_estimates`. Returns kind (all, between, within), persons, lower, upper, reason, origins (that have a
    weight), devices.
    """
    known = weights.drop_nulls(["weight", "weight_error"]).select("area", "weight", "weight_error")
    covered = cells.join(known.select(origin="area"), on="origin", how="semi")
    if covered.is_empty():
        return pl.DataFrame(schema=_TOTALS)
    kind = pl.when(pl.col("origin") == pl.col("destination")).then(pl.lit("within")).otherwise(pl.lit("between"))
    weighted = weight_flows(covered.select(*KEY, "flow"), known).with_columns(kind=kind)
    parts = [
        total_intervals(table, ["kind"], draws=recipe.draws, seed=recipe.seed, confidence=recipe.confidence)
        for table in (weighted, weighted.with_columns(kind=pl.lit("all")))
    ]
    counts = pl.concat([weighted, weighted.with_columns(kind=pl.lit("all"))]).group_by("kind").agg(
        origins=pl.col("origin").n_unique().cast(pl.Int64), devices=pl.col("flow").sum()
    )  # fmt: skip
    return (
        pl.concat(parts)
        .rename({"flow_adjusted": "persons"})
        .join(counts, on="kind")
        .select(pl.col(name).cast(dtype) for name, dtype in _TOTALS.items())
        .sort("kind")
    )


_TOTALS: dict[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    **dict.fromkeys(("persons", "lower", "upper"), pl.Float64),
    "reason": pl.String,
    "origins": pl.Int64,
    "devices": pl.Float64,
}
