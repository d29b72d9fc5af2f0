"""Comparison of two tables of origin-destination flows: metrics of agreement with intervals."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import polars as pl

from ons_bigdata.estimation.flow_bootstrap import metric_draws
from ons_bigdata.estimation.flow_bounds import KnownTotals, Margins, metric_bounds
from ons_bigdata.estimation.flow_metrics import DISTANCE_METRICS, METRICS, band_names, metric_values
from ons_bigdata.estimation.flow_pairs import FlowPairs, aligned_pairs
from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.estimation.schemas import FlowMetric

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = Literal["total", "none"]
Pairs = Literal["support", "all"]
Suppressed = Literal["midpoint", "drop"]

UNDEFINED_SHARE = 0.05
"""Share of resamples without a value above which a metric has no interval."""

_WITHOUT_VALUE = {
    "mape": "no reference flow of 25 or more",
    "slope": "no reference flow",
    "kendall_top_100": "fewer than two different values among the largest pairs",
    "spearman": "fewer than two different values in a table",
    "pearson": "fewer than two different values in a table",
    "r_squared": "the reference does not vary",
    "r_squared_log": "the reference does not vary",
}


class Interval(NamedTuple):
    """Ends of an interval, or the reason why there is none."""

    lower: float | None = None
    upper: float | None = None
    reason: str | None = None


def compare_flows(  # noqa: PLR0913
    estimate: pl.DataFrame | pl.LazyFrame,
    reference: pl.DataFrame | pl.LazyFrame,
    *,
    distances: pl.DataFrame | pl.LazyFrame | None = None,
    scale: Scale = "total",
    pairs: Pairs = "support",
    suppressed: Suppressed = "midpoint",
    origin_totals: pl.DataFrame | None = None,
    destination_totals: pl.DataFrame | None = None,
    margins: Margins = "each",
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    bands_km: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0),
) -> pl.DataFrame:
    """Metrics of the agreement of an estimated table of flows with a reference, each with an interval.

    `estimate`, `reference`: origin, destination (text or whole numbers, the same in both), flow (≥ 0), one row per
    pair; a pair that one table does not list has flow 0 there. Optional columns: `status` (observed, suppressed,
    rounded, structural_zero, not_supplied; null is observed), `lower` and `upper`, the bounds of a suppressed or
    rounded cell. `distances`: origin, destination, distance_km (or distance, in km), for all these pairs.

    `scale`: "total" multiplies the estimate so that it adds up to the reference over the compared pairs; "none" does
    not. `pairs`: "support" compares the pairs with a flow in at least one table; "all" each origin with each
    destination that occurs, pairs within a zone only if a table lists one. Pairs that were not supplied are left out
    and counted. `suppressed`: "midpoint" counts such a cell as the middle of its bounds, "drop" leaves it out.
    `origin_totals` (origin, total) and `destination_totals` (destination, total): published margins of the estimate,
    over the compared pairs, which narrow the bounds. `margins`: "each" uses the totals of one side at a time; "joint"
    both at once for the metrics that are sums over cells or classes of distance, "whole" besides that flows, bounds and
    totals are whole numbers, such as devices. Some twenty linear programs: seconds for 5,000 hidden cells, minutes for
    40,000.

    Returns `FlowMetric` rows: metric, value, lower, upper, reason. Metrics: those in `flow_metrics.METRICS`, a
    signed bias log(Σ estimate / Σ reference) per band of distance (`bands_km`: ends of the bands), and counts
    (pairs, estimate_total, reference_total, scale_factor, left_out_pairs, left_out_reference_flow). A value that is
    not defined is null with its reason. Formulas: docs/estimation/flows.md.

    The interval is the percentile interval of `draws` resamples of whole origins at level `confidence` (seeded; none
    if `draws` is 0). Where cells are suppressed or rounded, it is the range of the metric over all values within
    their bounds, each end moved out by the distance of the resamples' percentile from the value.

    Raises ValueError on missing columns, repeated pairs, negative or missing flows, suppressed cells without bounds,
    unknown statuses or options (with the nearest known one), missing distances, and margins out of reach of the cells.

    Source: common part of commuters: Lenormand, Bassolas, Ramasco, Journal of Transport Geography 51 (2016) 158–169;
    GEH: UK DMRB 12.2.1; Jensen-Shannon: Lin, IEEE Transactions on Information Theory 37 (1991) 145–151; bootstrap of
    clusters: Davison & Hinkley, Bootstrap Methods and their Application (1997), 3.8.
    """
    _refuse_options(scale, pairs, suppressed, draws, confidence, bands_km)
    refuse_unknown("margins", margins, get_args(Margins))
    aligned = aligned_pairs(
        estimate, reference, distances, all_pairs=pairs == "all", drop_suppressed=suppressed == "drop"
    )
    known = tuple(
        known_totals(aligned, frame, side)
        for frame, side in ((origin_totals, "origin"), (destination_totals, "destination"))
        if frame is not None
    )
    is_scaled = scale == "total"
    factor, no_factor = _factor(aligned, is_scaled=is_scaled)
    edges = tuple(float(edge) for edge in bands_km)
    values = metric_values(aligned, factor, edges)
    intervals = _intervals(aligned, known, values, is_scaled=is_scaled, draws=draws, seed=seed, confidence=confidence, edges=edges, margins=margins)  # fmt: skip  # noqa: E501
    names = [*METRICS, *band_names(edges)]
    rows: list[tuple[str, float | None, float | None, float | None, str | None]] = []
    for name in names:
        value = values.get(name, float("nan"))
        if not isfinite(value):
            rows.append((name, None, None, None, _reason(name, aligned, no_factor)))
            continue
        interval = intervals.get(name, Interval(reason="no interval for this metric"))
        rows.append((name, value, interval.lower, interval.upper, interval.reason))
    rows += [(name, value, None, None, "a count: no interval") for name, value in _counts(aligned, factor).items()]
    result = pl.DataFrame(
        rows,
        schema={
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "reason": pl.String,
        },
        orient="row",
    )
    return FlowMetric.validate(result.with_columns(pl.col("value").fill_nan(None)), cast=True)


def _refuse_options(
    scale: str, pairs: str, suppressed: str, draws: int, confidence: float, bands_km: tuple[float, ...]
) -> None:
    refuse_unknown("scale", scale, get_args(Scale))
    refuse_unknown("pairs", pairs, get_args(Pairs))
    refuse_unknown("suppressed", suppressed, get_args(Suppressed))
    if draws < 0 or 0 < draws < 20:
        message = f"draws is {draws}; expected 0 or at least 20"
        raise ValueError(message)
    if not 0 < confidence < 1:
        message = f"confidence is {confidence}; expected a number between 0 and 1"
        raise ValueError(message)
    edges = list(bands_km)
    if not edges or edges != sorted(set(edges)) or not all(isfinite(edge) and edge > 0 for edge in edges):
        message = f"bands_km is {bands_km}; expected growing positive distances"
        raise ValueError(message)


def _factor(aligned: FlowPairs, *, is_scaled: bool) -> tuple[float, str | None]:
    """Factor of the estimate, or NaN with the reason why there is none."""
    if not is_scaled:
        return 1.0, None
    ours, theirs = aligned.estimate.sum(), aligned.reference.sum()
    if ours <= 0:
        return float("nan"), "the estimate has no flow to scale"
    if theirs <= 0:
        return float("nan"), "the reference has no flow to scale to"
    return float(theirs / ours), None


def _reason(name: str, aligned: FlowPairs, no_factor: str | None) -> str:
    if no_factor:
        return no_factor
    is_by_distance = name in DISTANCE_METRICS or name.startswith("log_bias_")
    if is_by_distance and aligned.distance_km is None:
        return "no distances"
    if name.startswith("log_bias_"):
        return "a table has no flow in this band"
    return _WITHOUT_VALUE.get(name, "no pair with a flow")


def _counts(aligned: FlowPairs, factor: float) -> dict[str, float]:
    return {
        "pairs": float(len(aligned.estimate) + aligned.zero_pairs.sum()),
        "estimate_total": float(aligned.estimate.sum()),
        "reference_total": float(aligned.reference.sum()),
        "scale_factor": factor,
        "left_out_pairs": aligned.left_out["pairs"],
        "left_out_reference_flow": aligned.left_out["reference_flow"],
    }


def known_totals(aligned: FlowPairs, totals: pl.DataFrame, side: str) -> KnownTotals:
    """Totals of the estimate by the codes of one side ("origin" or "destination"); NaN where none is given.

    `totals`: that side, total (finite, ≥ 0). Raises ValueError on missing columns, repeated zones, faulty totals, and a
    positive total of a zone without a pair.
    """
    name = f"{side}_totals"
    totals = eager_frame(totals, name)
    keys = aligned.origin_keys if side == "origin" else aligned.destination_keys
    refuse_missing_columns(totals, (side, "total"), name)
    refuse_no_numbers(totals, ("total",), name)
    if totals.schema[side].is_integer() != keys.dtype.is_integer():
        message = f"{name}: column {side} is {totals.schema[side]}; in the flows it is {keys.dtype}"
        raise ValueError(message)
    totals = totals.select(pl.col(side).cast(keys.dtype), pl.col("total").cast(pl.Float64))
    refuse_repeated(totals, (side,), name)
    absent = ~pl.col(side).is_in(keys.implode())
    refuse_rows(
        totals,
        {
            "no total": ~pl.col("total").fill_null(float("nan")).is_finite(),
            "a negative total": pl.col("total") < 0,
            "a positive total of a zone without a pair in the flows": absent & (pl.col("total") > 0),
        },
        name,
    )
    by_code = pl.DataFrame({side: keys}).join(totals, on=side, how="left", maintain_order="left")["total"]
    group = aligned.origin if side == "origin" else aligned.destination
    return KnownTotals(group.astype(np.int64), by_code.fill_null(float("nan")).to_numpy().copy(), name)


def _intervals(  # noqa: PLR0913
    aligned: FlowPairs,
    known: tuple[KnownTotals, ...],
    values: dict[str, float],
    *,
    is_scaled: bool,
    draws: int,
    seed: int,
    confidence: float,
    edges: tuple[float, ...],
    margins: Margins,
) -> dict[str, Interval]:
    """Interval of each metric, from resamples and from the bounds of suppressed cells."""
    if aligned.is_reference_bounded:
        return dict.fromkeys(values, Interval(reason="the reference has suppressed or rounded cells: no bounds"))
    sampled = _sampled(aligned, values, is_scaled=is_scaled, draws=draws, seed=seed, confidence=confidence, edges=edges)
    if not aligned.is_bounded:
        return sampled
    ranges = metric_bounds(aligned, known, is_scaled=is_scaled, edges_km=edges, margins=margins)
    intervals = {}
    for name, value in values.items():
        if name not in ranges or not all(map(isfinite, ranges[name])):
            intervals[name] = Interval(reason="suppressed or rounded cells: no bounds of this metric")
            continue
        low, high = min(ranges[name][0], value), max(ranges[name][1], value)
        sample = sampled[name]
        if sample.lower is None or sample.upper is None:
            reason = f"bounds of suppressed cells only; {sample.reason}"
            intervals[name] = Interval(low, high, reason)
        else:
            intervals[name] = Interval(low + min(sample.lower - value, 0), high + max(sample.upper - value, 0))
    return intervals


def _sampled(
    aligned: FlowPairs,
    values: dict[str, float],
    *,
    is_scaled: bool,
    draws: int,
    seed: int,
    confidence: float,
    edges: tuple[float, ...],
) -> dict[str, Interval]:
    """Percentile intervals of the resamples."""
    if draws == 0:
        return dict.fromkeys(values, Interval(reason="no interval: draws is 0"))
    if aligned.origins < 2 or not len(aligned.estimate):
        return dict.fromkeys(values, Interval(reason="no interval: fewer than two origins"))
    resampled = metric_draws(aligned, draws=draws, seed=seed, is_scaled=is_scaled, edges_km=edges)
    intervals = {name: _percentiles(draw, confidence) for name, draw in resampled.items()}
    intervals["net_sign_agreement"] = Interval(reason="no interval: resamples of origins have no net flows")
    intervals["kendall_top_100"] = Interval(reason="no interval: resamples of origins change the largest pairs")
    return intervals


def _percentiles(draws: NDArray[np.float64], confidence: float) -> Interval:
    defined = draws[np.isfinite(draws)]
    if len(defined) < (1 - UNDEFINED_SHARE) * len(draws):
        return Interval(reason=f"no interval: not defined in {len(draws) - len(defined)} of {len(draws)} resamples")
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(lower), float(upper))
