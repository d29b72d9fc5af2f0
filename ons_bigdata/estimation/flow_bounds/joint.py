"""Bounds of metrics under the totals of both sides at once, which separate bounds use one at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ons_bigdata.estimation.flow_bounds.classes import Classes, shared_by_class
from ons_bigdata.estimation.flow_bounds.separate import (
    ROUNDING,
    Box,
    KnownTotals,
    class_ranges,
    refuse_out_of_reach,
    total_range,
)
from ons_bigdata.estimation.flow_bounds.transport import (
    MOST_PIECES,
    NO_TABLE,
    CellFunctions,
    LeastSum,
    Transport,
    least_sum,
    linear_functions,
    transport,
)
from ons_bigdata.estimation.flow_metrics import BIN_KM, LEAST_MAPE, band_names, bands, divergence_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from ons_bigdata.estimation.flow_pairs import FlowPairs

    Values = NDArray[np.float64]
    Metrics = tuple[tuple[str, ...], Callable[[], dict[str, "JointRange"]]]
    Cellwise = Callable[[Values, Values], Values]

MOST_WIDTH = 16
"""Greatest width of a cell whose whole numbers are listed one by one."""
WHOLE = 1e-6
TANGENTS = 8
"""Parts of the range of a cell between the tangents that bound a square from below."""

Shape = Literal["concave", "kinked", "squared", "any"]
"""Of a function of a cell: concave, convex with two straight parts that meet at the reference, a square, any other."""


class JointRange(NamedTuple):
    """Bounds of a metric, and the whole estimates that come nearest to them, where programs found some."""

    low: float
    high: float
    at_low: Values | None = None
    at_high: Values | None = None


class _Study(NamedTuple):
    """Tables under comparison with both margins known."""

    pairs: FlowPairs
    problem: Transport
    free: NDArray[np.int64]
    factor: float
    mass: float
    """Known total of the estimate, before the factor."""
    is_whole: bool


def joint_bounds(
    pairs: FlowPairs,
    totals: tuple[KnownTotals, ...],
    *,
    is_scaled: bool,
    edges_km: tuple[float, ...],
    is_whole: bool,
    only: Collection[str] | None = None,
) -> dict[str, JointRange]:
    """Bounds of the metrics that are sums over cells or classes; none where a total of a hidden cell is not known.

    `is_whole`: cells, bounds and totals are whole numbers. `only`: names of the metrics that are needed, None for all.
    Raises ValueError if a total is out of reach of its cells, if no table has all totals, and with `is_whole` for
    numbers that are not whole.
    """
    for known in totals:
        refuse_out_of_reach(pairs, known)
    if is_whole:
        _refuse_fractions(pairs, totals)
    study = _study(pairs, totals, is_scaled=is_scaled, is_whole=is_whole)
    if study is None:
        return {}
    sums = [*_linear_bounds(study, edges_km), *_cell_bounds(study), *_class_bounds(study, totals)]
    bounds: dict[str, JointRange] = {}
    for names, bound in sums:
        if only is None or set(names) & set(only):
            bounds |= bound()
    for name, (low, high, _, _) in bounds.items():
        if low > high + ROUNDING * max(abs(high), 1):
            message = f"{NO_TABLE} ({name}: least {low:g}, greatest {high:g})"
            raise ValueError(message)
    return bounds


def _study(pairs: FlowPairs, totals: tuple[KnownTotals, ...], *, is_scaled: bool, is_whole: bool) -> _Study | None:
    sides = {known.name: known for known in totals}
    if len(sides) < 2:
        return None
    ordered = (sides["origin_totals"], sides["destination_totals"])
    made = transport(
        pairs.lower, pairs.upper, (ordered[0].group, ordered[1].group), (ordered[0].total, ordered[1].total)
    )
    least, most = total_range(pairs, totals)
    reference = float(pairs.reference.sum())
    if made is None or most > least * (1 + ROUNDING) or least <= 0 or reference <= 0 or not len(made[1]):
        return None
    return _Study(pairs, *made, reference / least if is_scaled else 1.0, least, is_whole)


def _refuse_fractions(pairs: FlowPairs, totals: tuple[KnownTotals, ...]) -> None:
    named = (("bounds", pairs.lower), ("bounds", pairs.upper), *((known.name, known.total) for known in totals))
    for name, values in named:
        odd = values[np.isfinite(values) & (values != np.round(values))]
        if len(odd):
            message = f"{name}: {odd[0]:g} is no whole number; expected whole numbers with margins='whole'"
            raise ValueError(message)


# Sums over cells


def _linear(study: _Study, weight: Values) -> JointRange:
    """Least and greatest Σ weight · cell, before the factor."""
    problem, free = study.problem, study.free
    rest = float(np.delete(weight * study.pairs.lower, free).sum())
    ends = [least_sum(problem, linear_functions(problem, sign * weight[free])) for sign in (1, -1)]
    return _range(study, rest, ends[0], ends[1])


def _summed(study: _Study, function: Cellwise, shape: Shape, negative: Shape) -> JointRange | None:
    """Least and greatest Σ function(factor · cell, reference); None for a function that needs whole numbers."""
    c, free = study.pairs.reference, study.free
    rest = float(np.delete(function(study.factor * study.pairs.lower, c), free).sum())
    ends = []
    for sign, kind in ((1, shape), (-1, negative)):
        made = _cell_functions(study, partial(_signed, function, sign), kind)
        if made is None:
            return None
        ends.append(least_sum(study.problem, made))
    return _range(study, rest, ends[0], ends[1])


def _signed(function: Cellwise, sign: int, y: Values, c: Values) -> Values:
    return sign * function(y, c)


def _range(study: _Study, rest: float, least: LeastSum, most: LeastSum) -> JointRange:
    return JointRange(rest + least.bound, rest - most.bound, _estimate(study, least), _estimate(study, most))


def _estimate(study: _Study, found: LeastSum) -> Values | None:
    """The whole estimate with the cells that were found; none where these should be whole numbers and are not."""
    if found.cells is None:
        return None
    cells = np.round(found.cells) if study.is_whole else found.cells
    if (np.abs(cells - found.cells) > WHOLE).any():
        return None
    table = study.pairs.lower.copy()
    table[study.free] = cells
    return table


def _cell_functions(study: _Study, function: Cellwise, shape: Shape) -> CellFunctions | None:
    """Functions of the hidden cells by values at the points that bound them; None if only whole numbers would do."""
    low, high, c = study.problem.low, study.problem.high, study.pairs.reference[study.free]
    if study.is_whole and (high - low).max() <= MOST_WIDTH:
        points = np.minimum(low[:, None] + np.arange((high - low).max() + 1), high[:, None])
    elif shape == "any":
        return None
    elif shape == "concave":
        points = np.stack([low, high], axis=1)
    elif shape == "kinked":
        points = np.stack([low, np.clip(c / study.factor, low, high), high], axis=1)
    else:
        return _below_square(study, function)
    return CellFunctions(points, function(study.factor * points, c[:, None]))


def _below_square(study: _Study, square: Cellwise) -> CellFunctions:
    """Tangents of (factor · cell − reference)², which meet halfway between the points where they touch it."""
    low, high = study.problem.low, study.problem.high
    step = (high - low) / TANGENTS
    halves = low[:, None] + step[:, None] * (np.arange(TANGENTS) + 0.5)
    points = np.concatenate([low[:, None], halves, high[:, None]], axis=1)
    values = square(study.factor * points, study.pairs.reference[study.free][:, None])
    values[:, 1:-1] -= (study.factor * step[:, None] / 2) ** 2
    return CellFunctions(points, values)


# Metrics: names with the function that bounds them


def _linear_bounds(study: _Study, edges_km: tuple[float, ...]) -> list[Metrics]:
    c, distance = study.pairs.reference, study.pairs.distance_km
    made: list[Metrics] = [
        (("slope",), lambda: {"slope": _times(_linear(study, c), study.factor / float((c**2).sum()))})
    ]
    if distance is None:
        return made
    length = float((c * distance).sum())
    if length > 0:
        ratio = float(c.sum()) / study.mass / length
        made.append((("trip_length_ratio",), lambda: {"trip_length_ratio": _times(_linear(study, distance), ratio)}))
    band = bands(distance, edges_km)
    return made + [
        ((name,), partial(_band_bounds, study, name, band == n)) for n, name in enumerate(band_names(edges_km))
    ]


def _band_bounds(study: _Study, name: str, inside: NDArray[np.bool_]) -> dict[str, JointRange]:
    theirs = float(study.pairs.reference[inside].sum())
    held = _linear(study, inside.astype(np.float64)) if theirs > 0 else JointRange(0, 0)
    if held.low <= 0:
        return {}
    low, high = (float(np.log(study.factor * end / theirs)) for end in (held.low, held.high))
    return {name: JointRange(low, high, held.at_low, held.at_high)}


def _times(found: JointRange, factor: float) -> JointRange:
    return found._replace(low=found.low * factor, high=found.high * factor)


def _turned(found: JointRange, function: Callable[[float], float]) -> JointRange:
    """Range of a falling function of what was found."""
    return JointRange(function(found.high), function(found.low), found.at_high, found.at_low)


def _cell_bounds(study: _Study) -> list[Metrics]:
    """Metrics that are sums of a function of each cell."""
    return [
        (("cpc",), partial(_shared_bounds, study)),
        (("rmse", "nrmse", "r_squared"), partial(_squared_bounds, study)),
        (("log_rmse", "r_squared_log"), partial(_log_bounds, study)),
        (("mape",), partial(_relative_bounds, study)),
        (("jensen_shannon",), partial(_divergence_bounds, study)),
    ]


def _shared_bounds(study: _Study) -> dict[str, JointRange]:
    shared = _summed(study, np.minimum, "concave", "kinked")
    if shared is None:
        return {}
    cpc = _times(shared, 2 / (study.factor * study.mass + float(study.pairs.reference.sum())))
    return {"cpc": cpc._replace(high=min(cpc.high, 1.0))}


def _squared_bounds(study: _Study) -> dict[str, JointRange]:
    error = _summed(study, lambda y, c: (y - c) ** 2, "squared", "concave")
    if error is None:
        return {}
    bounds, n = _error_bounds(study, error, study.pairs.reference)
    return bounds | {"nrmse": _times(bounds["rmse"], n / float(study.pairs.reference.sum()))}


def _log_bounds(study: _Study) -> dict[str, JointRange]:
    error = _summed(study, lambda y, c: (np.log1p(y) - np.log1p(c)) ** 2, "any", "any")
    if error is None:
        return {}
    logs, _ = _error_bounds(study, error, np.log1p(study.pairs.reference))
    names = {"rmse": "log_rmse", "r_squared": "r_squared_log"}
    return {names[name]: bound for name, bound in logs.items()}


def _relative_bounds(study: _Study) -> dict[str, JointRange]:
    large = int((study.pairs.reference >= LEAST_MAPE).sum())
    if not large:
        return {}
    relative = _summed(
        study, lambda y, c: np.where(c >= LEAST_MAPE, np.abs(y - c) / np.maximum(c, 1), 0), "kinked", "concave"
    )
    return {} if relative is None else {"mape": _times(relative, 1 / large)}


def _divergence_bounds(study: _Study) -> dict[str, JointRange]:
    total = float(study.pairs.reference.sum())
    bring = total / study.mass / study.factor
    terms = _summed(study, lambda y, c: divergence_terms(bring * y, c), "any", "any")
    return {} if terms is None else {"jensen_shannon": _times(terms, 1 / total)}


def _error_bounds(study: _Study, error: JointRange, reference: Values) -> tuple[dict[str, JointRange], int]:
    """Root mean square and R² of a range of the sum of squared errors, and the number of pairs."""
    zeros = int(study.pairs.zero_pairs.sum())
    n = len(reference) + zeros
    mean = float(reference.sum()) / n
    spread = float(((reference - mean) ** 2).sum()) + zeros * mean**2
    squared = error._replace(low=max(error.low, 0.0), high=max(error.high, 0.0))
    low, high = (float(np.sqrt(end / n)) for end in squared[:2])
    bounds = {"rmse": JointRange(low, high, error.at_low, error.at_high)}
    if spread > 0:
        bounds["r_squared"] = _turned(squared, lambda end: 1 - end / spread)
    return bounds, n


def _class_bounds(study: _Study, totals: tuple[KnownTotals, ...]) -> list[Metrics]:
    """Common part of commuters by class of distance."""
    if study.pairs.distance_km is None or len(study.free) > MOST_PIECES:
        return []
    of_pair = (study.pairs.distance_km // BIN_KM).astype(np.int64)
    return [(("cpc_distance",), partial(_shared_class_bounds, study, totals, of_pair))]


def _shared_class_bounds(
    study: _Study, totals: tuple[KnownTotals, ...], of_pair: NDArray[np.int64]
) -> dict[str, JointRange]:
    pairs = study.pairs
    low, high, reference = class_ranges(of_pair, Box(pairs.lower, pairs.upper, pairs.reference, totals))
    fixed = np.bincount(of_pair, pairs.lower, minlength=len(low)).astype(np.float64)
    classes = Classes(of_pair[study.free], fixed, low, high, reference)
    least, most = shared_by_class(study.problem, classes, study.factor)
    held = _times(_range(study, 0.0, least, most), 2 / (study.factor * study.mass + float(pairs.reference.sum())))
    return {"cpc_distance": held._replace(high=min(held.high, 1.0))}
