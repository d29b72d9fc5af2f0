"""Bounds of the metrics, each from the totals of one side at a time.

The cells may lie anywhere within their bounds, subject to the totals that are known. A metric is, but for a monotone
function, a sum over cells of a function with its peak or pit where the estimate equals the reference; that sum is
bounded. Bounds contain every possible value; they need not be reached.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.estimation.flow_metrics import (
    BIN_KM,
    GEH_BOUND,
    LEAST_MAPE,
    band_names,
    bands,
    divergence_terms,
    geh,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ons_bigdata.estimation.flow_pairs import FlowPairs

    Cellwise = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

STEPS = 8
"""Parts into which the range of an unknown total is cut; bounds are taken over each part."""
ROUNDING = 1e-9

Range = tuple[float, float]


class KnownTotals(NamedTuple):
    """Totals of groups of pairs: number of the group of each pair, its total (NaN: unknown), name for messages."""

    group: NDArray[np.int64]
    total: NDArray[np.float64]
    name: str


class Box(NamedTuple):
    """Cells between bounds, with totals that they add up to."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reference: NDArray[np.float64]
    totals: tuple[KnownTotals, ...]


def separate_bounds(
    pairs: FlowPairs, totals: tuple[KnownTotals, ...], *, is_scaled: bool, edges_km: tuple[float, ...]
) -> dict[str, Range]:
    """Lowest and highest possible value of each metric, by the totals of one side at a time.

    `totals`: known totals of the estimate by origin or destination. Metrics without known bounds are missing. Raises
    ValueError if a total is out of reach of its cells.
    """
    for known in totals:
        refuse_out_of_reach(pairs, known)
    low_total, high_total = total_range(pairs, totals)
    reference_total = pairs.reference.sum()
    ranges: list[dict[str, Range]] = []
    cuts = np.linspace(low_total, high_total, STEPS + 1) if high_total > low_total * (1 + ROUNDING) else None
    parts = [(low_total, high_total)] if cuts is None else list(pairwise(cuts.tolist()))
    if low_total <= 0 or reference_total <= 0:
        parts = []
    for low, high in parts:
        box = _scaled_box(pairs, totals, reference_total / high, reference_total / low, cuts is None)
        bounds = _shape_bounds(pairs, box)
        if is_scaled:
            bounds |= _value_bounds(pairs, box, edges_km)
        ranges.append(bounds)
    if not is_scaled:
        box = Box(pairs.lower, pairs.upper, pairs.reference, totals)
        plain = _value_bounds(pairs, box, edges_km)
        return plain | _hull(ranges)
    return _hull(ranges)


def class_bounds(
    pairs: FlowPairs,
    totals: tuple[KnownTotals, ...],
    classes: NDArray[np.int64],
    size: int,
    *,
    is_scaled: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest possible sum of the estimate in each class of pairs, scaled to the reference if asked for.

    `classes`: number of the class of each pair, below `size`. A scaled sum is the share of a class in the estimate
    times the total of the reference; it is lowest where the class is low and all others are high. Raises ValueError
    if a total is out of reach of its cells.
    """
    for known in totals:
        refuse_out_of_reach(pairs, known)
    low, high, reference = class_ranges(classes, Box(pairs.lower, pairs.upper, pairs.reference, totals), size)
    if not is_scaled:
        return low, high
    least, most = total_range(pairs, totals)
    total = reference.sum()
    others_high = np.minimum(high.sum() - high, most - low)
    others_low = np.maximum(low.sum() - low, least - high)
    with np.errstate(invalid="ignore", divide="ignore"):
        share_low = np.where(low > 0, low / (low + np.maximum(others_high, 0)), 0.0)
        share_high = np.where(high > 0, high / (high + np.maximum(others_low, 0)), 0.0)
    return share_low * total, share_high * total


def _hull(ranges: list[dict[str, Range]]) -> dict[str, Range]:
    names = ranges[0] if ranges else {}
    return {name: (min(r[name][0] for r in ranges), max(r[name][1] for r in ranges)) for name in names}


def refuse_out_of_reach(pairs: FlowPairs, known: KnownTotals) -> None:
    """Raise ValueError if a total is below the lower bounds of its cells or above the upper ones."""
    low = np.bincount(known.group, pairs.lower, minlength=len(known.total))
    high = np.bincount(known.group, pairs.upper, minlength=len(known.total))
    slack = ROUNDING * np.maximum(high, 1)
    out = np.flatnonzero((known.total < low - slack) | (known.total > high + slack))
    if len(out):
        first = out[0]
        message = (
            f"{known.name}: {len(out)} totals out of reach of their cells; the first: total {known.total[first]:g}, "
            f"the cells allow {low[first]:g} to {high[first]:g}"
        )
        raise ValueError(message)


def total_range(pairs: FlowPairs, totals: tuple[KnownTotals, ...]) -> Range:
    """Range of the sum of all cells: known totals of groups, and the bounds of cells in groups without."""
    low, high = float(pairs.lower.sum()), float(pairs.upper.sum())
    for known in totals:
        missing = np.isnan(known.total)
        cell_low = np.bincount(known.group, pairs.lower, minlength=len(missing))
        cell_high = np.bincount(known.group, pairs.upper, minlength=len(missing))
        low = max(low, float(np.where(missing, cell_low, known.total).sum()))
        high = min(high, float(np.where(missing, cell_high, known.total).sum()))
    return low, max(low, high)


def _scaled_box(
    pairs: FlowPairs, totals: tuple[KnownTotals, ...], low_factor: float, high_factor: float, is_known: bool
) -> Box:
    """Box of the cells times a factor in a range, by which they add up to the total of the reference."""
    everything = KnownTotals(np.zeros(len(pairs.lower), np.int64), np.array([pairs.reference.sum()]), "all pairs")
    scaled: tuple[KnownTotals, ...] = (everything,)
    if is_known:
        scaled += tuple(known._replace(total=known.total * low_factor) for known in totals)
    return Box(pairs.lower * low_factor, pairs.upper * high_factor, pairs.reference, scaled)


# Sums over a box


def _sum_range(box: Box, function: Cellwise, *, curve: str = "") -> Range:
    """Bounds of Σ function(cell, reference) over a box.

    The function of a cell has its only extreme where the cell equals the reference, or none. `curve`: "concave",
    "convex" or "linear" functions are bounded by their chords as well, with the totals of the box.
    """
    at_low, at_high = function(box.low, box.reference), function(box.high, box.reference)
    at_peak = function(np.clip(box.reference, box.low, box.high), box.reference)
    least = np.minimum(np.minimum(at_low, at_high), at_peak).sum()
    most = np.maximum(np.maximum(at_low, at_high), at_peak).sum()
    if not curve:
        return float(least), float(most)
    width = box.high - box.low
    free = width > 0
    slope = (at_high - at_low)[free] / width[free]
    fixed = at_low.sum()
    for known in box.totals:
        room = _room(box, known)
        group = known.group[free]
        if curve in ("concave", "linear"):
            least = max(least, fixed + _filled(slope, width[free], group, room))
        if curve in ("convex", "linear"):
            most = min(most, fixed - _filled(-slope, width[free], group, room))
    return float(least), float(most)


def _room(box: Box, known: KnownTotals) -> NDArray[np.float64]:
    """Amount that each group has to add to its lower bounds; infinite where its total is unknown."""
    room = known.total - np.bincount(known.group, box.low, minlength=len(known.total))
    return np.where(np.isnan(room), np.inf, np.maximum(room, 0))


def _filled(
    slope: NDArray[np.float64], width: NDArray[np.float64], group: NDArray[np.int64], room: NDArray[np.float64]
) -> float:
    """Least Σ slope · amount with 0 ≤ amount ≤ width and the amounts of a group adding up to its room.

    Cells are filled in the order of their slopes. In a group without a known total only falling slopes are filled.
    """
    order = np.lexsort((slope, group))
    slope, width, group = slope[order], width[order], group[order]
    before = np.concatenate([[0.0], np.cumsum(width)])
    begin = np.searchsorted(group, np.arange(len(room)))
    inside = before[:-1] - before[begin][group]
    filled = np.clip(room[group] - inside, 0, width)
    amount = np.where(np.isfinite(room[group]), filled, np.where(slope < 0, width, 0.0))
    return float((slope * amount).sum())


def _shared_range(box: Box) -> Range:
    """Bounds of Σ min(cell, reference); the upper one is reached under each known total."""
    least, most = _sum_range(box, np.minimum, curve="concave")
    useful = np.maximum(np.minimum(box.high, box.reference) - box.low, 0)
    fixed = np.minimum(box.low, box.reference).sum()
    for known in box.totals:
        capacity = np.bincount(known.group, useful, minlength=len(known.total))
        most = min(most, fixed + float(np.minimum(capacity, _room(box, known)).sum()))
    return least, most


def _squared_range(box: Box) -> Range:
    """Bounds of Σ (cell − reference)²; the lower one is reached under each known total (water filling)."""
    least, most = _sum_range(box, lambda y, c: (y - c) ** 2, curve="convex")
    free = box.high > box.low
    fixed = float(((box.low - box.reference)[~free] ** 2).sum())
    low, high, reference = box.low[free], box.high[free], box.reference[free]
    for known in box.totals:
        group, size = known.group[free], len(known.total)
        room = _room(box, known)
        down, up = np.full(size, 0.0), np.full(size, 0.0)
        np.minimum.at(down, group, low - reference)
        np.maximum.at(up, group, high - reference)
        level = np.zeros(size)
        for _ in range(60):
            level = np.where(np.isfinite(room), (down + up) / 2, 0.0)
            used = np.bincount(group, np.clip(reference + level[group], low, high) - low, minlength=size)
            too_much = used > room
            up, down = np.where(too_much, level, up), np.where(too_much, down, level)
        best = np.clip(reference + level[group], low, high)
        least = max(least, (1 - ROUNDING) * (fixed + float(((best - reference) ** 2).sum())))
    return least, max(most, least)


# Metrics from sums


def _shape_bounds(pairs: FlowPairs, box: Box) -> dict[str, Range]:
    """Bounds of the metrics that do not depend on the scale, from a box of cells with the total of the reference."""
    total = pairs.reference.sum()
    low, high = _sum_range(box, divergence_terms)
    bounds = {"jensen_shannon": (max(low, 0.0) / total, min(high / total, float(np.log(2))))}
    if pairs.distance_km is not None:
        distance = pairs.distance_km
        length = (pairs.reference * distance).sum()
        if length > 0:
            low, high = _sum_range(box, lambda y, _: y * distance, curve="linear")
            bounds["trip_length_ratio"] = (low / length, high / length)
    return bounds


def _value_bounds(pairs: FlowPairs, box: Box, edges_km: tuple[float, ...]) -> dict[str, Range]:
    """Bounds of the other metrics, from a box of cells."""
    c = pairs.reference
    zeros = int(pairs.zero_pairs.sum())
    n = len(c) + zeros
    total = c.sum()
    bounds: dict[str, Range] = {}
    spread = ((c - total / n) ** 2).sum() + zeros * (total / n) ** 2
    log_c = np.log1p(c)
    log_mean = log_c.sum() / n
    log_spread = ((log_c - log_mean) ** 2).sum() + zeros * log_mean**2
    squares = ((c) ** 2).sum()
    shared = _shared_range(box)
    mass = _sum_range(box, lambda y, _: y, curve="linear")
    if total > 0:
        bounds["cpc"] = _quotient_of_shared(shared, mass, total)
    error = _squared_range(box)
    log_error = _sum_range(box, lambda y, c: (np.log1p(y) - np.log1p(c)) ** 2)
    bounds["rmse"] = (float(np.sqrt(error[0] / n)), float(np.sqrt(error[1] / n)))
    bounds["log_rmse"] = (float(np.sqrt(log_error[0] / n)), float(np.sqrt(log_error[1] / n)))
    if total > 0:
        bounds["nrmse"] = (bounds["rmse"][0] / (total / n), bounds["rmse"][1] / (total / n))
    if spread > 0:
        bounds["r_squared"] = (1 - error[1] / spread, 1 - error[0] / spread)
    if log_spread > 0:
        bounds["r_squared_log"] = (1 - log_error[1] / log_spread, 1 - log_error[0] / log_spread)
    if squares > 0:
        low, high = _sum_range(box, lambda y, c: y * c, curve="linear")
        bounds["slope"] = (low / squares, high / squares)
    large = c >= LEAST_MAPE
    if large.any():
        weight = np.where(large, 1 / np.where(large, c, 1), 0)
        low, high = _sum_range(box, lambda y, c: np.abs(y - c) * weight, curve="convex")
        bounds["mape"] = (low / large.sum(), high / large.sum())
    bounds |= _counted_bounds(box)
    if pairs.distance_km is not None:
        bounds |= _distance_bounds(pairs, box, mass, edges_km)
    return bounds


def _quotient_of_shared(shared: Range, mass: Range, total: float) -> Range:
    """Bounds of 2 Σ min / (mass + total); Σ min ≤ mass and ≤ total."""
    low = 2 * shared[0] / (mass[1] + total)
    high = 2 * shared[1] / (max(mass[0], shared[1]) + total)
    return low, min(high, 1.0)


def _counted_bounds(box: Box) -> dict[str, Range]:
    """Bounds of the metrics that average over the pairs with a flow in either table."""
    c, surely, maybe = box.reference, box.low > 0, box.high > 0
    has = c > 0
    links_low = 2 * (surely & has).sum() / max((maybe & ~has).sum() + (surely & has).sum() + has.sum(), 1)
    links_high = 2 * (maybe & has).sum() / max((surely & ~has).sum() + (maybe & has).sum() + has.sum(), 1)
    bounds = {"cpc_links": (float(links_low), float(links_high))}
    fewest, most = (surely | has).sum(), (maybe | has).sum()
    if fewest:
        low, high = _sum_range(box, _similarity)
        bounds["ssi"] = (low / most, min(high / fewest, 1.0))
        low, high = _sum_range(box, lambda y, c: ((geh(y, c) < GEH_BOUND) & (y + c > 0)).astype(float))
        bounds["geh_below_5"] = (low / most, min(high / fewest, 1.0))
    return bounds


def _similarity(y: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2 * np.minimum(y, c) / np.where(y + c > 0, y + c, 1)


def _distance_bounds(pairs: FlowPairs, box: Box, mass: Range, edges_km: tuple[float, ...]) -> dict[str, Range]:
    assert pairs.distance_km is not None  # noqa: S101  (checked by the caller)
    bounds: dict[str, Range] = {}
    total = box.reference.sum()
    low, high, reference = class_ranges((pairs.distance_km // BIN_KM).astype(np.int64), box)
    if total > 0:
        shared = (np.minimum(low, reference).sum(), np.minimum(high, reference).sum())
        bounds["cpc_distance"] = _quotient_of_shared((float(shared[0]), float(shared[1])), mass, total)
    low, high, reference = class_ranges(bands(pairs.distance_km, edges_km), box, len(edges_km) + 1)
    for number, name in enumerate(band_names(edges_km)):
        if reference[number] > 0 and low[number] > 0:
            bounds[name] = (
                float(np.log(low[number] / reference[number])),
                float(np.log(high[number] / reference[number])),
            )
    return bounds


def class_ranges(
    classes: NDArray[np.int64], box: Box, size: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of the sum of the cells of each class, and the sum of the reference.

    A group with a known total bounds what its cells in a class hold: the total less what the others hold at least.
    """
    size = max(size, int(classes.max(initial=0)) + 1)
    low, high, reference = (
        np.bincount(classes, values, minlength=size).astype(np.float64) for values in (box.low, box.high, box.reference)
    )
    for known in box.totals:
        if np.isnan(known.total).any():
            continue
        key = known.group * size + classes
        shape = (len(known.total), size)
        cell_low = np.bincount(key, box.low, minlength=shape[0] * size).reshape(shape)
        cell_high = np.bincount(key, box.high, minlength=shape[0] * size).reshape(shape)
        left = known.total[:, None]
        low = np.maximum(low, np.maximum(cell_low, left - cell_high.sum(1, keepdims=True) + cell_high).sum(0))
        high = np.minimum(high, np.minimum(cell_high, left - cell_low.sum(1, keepdims=True) + cell_low).sum(0))
    return low, np.maximum(high, low), reference
