"""Bootstrap of the metrics of flows over origin zones: whole zones are drawn, with all their pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, prange

from ons_bigdata.estimation.flow_metrics import BIN_KM, GEH_BOUND, LEAST_MAPE, band_names, bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.estimation.flow_pairs import FlowPairs

NODES = 17
"""Factors at which sums that are no polynomials of the factor are computed; between them they are interpolated."""


def metric_draws(
    pairs: FlowPairs, *, draws: int, seed: int, is_scaled: bool, edges_km: tuple[float, ...]
) -> dict[str, NDArray[np.float64]]:
    """Values of the metrics in each of `draws` resamples of the origins; NaN where a metric is not defined.

    A resample draws as many origins as there are, with replacement. If the estimate is scaled to the total of the
    reference, it is so in each resample. The net sign agreement is not among the metrics: a resample of origins has no
    net flows.
    """
    random = np.random.default_rng(seed)
    weights = random.multinomial(pairs.origins, np.full(pairs.origins, 1 / pairs.origins), size=draws).astype(float)
    x, c, starts = pairs.estimate, pairs.reference, pairs.starts
    total_x, total_c = _by_origin(pairs, x, weights), _by_origin(pairs, c, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        to_total = total_c / total_x
        factor = to_total if is_scaled else np.ones(draws)
        n = weights @ (np.diff(starts) + pairs.zero_pairs)
        both = _by_origin(pairs, ((x > 0) & (c > 0)).astype(float), weights)
        links = _by_origin(pairs, (x > 0).astype(float) + (c > 0), weights)
        some = _by_origin(pairs, ((x > 0) | (c > 0)).astype(float), weights)
        large = _by_origin(pairs, (c >= LEAST_MAPE).astype(float), weights)
        xx, xc, cc = (_by_origin(pairs, one * other, weights) for one, other in ((x, x), (x, c), (c, c)))
        log_c = np.log1p(c)
        sum_log_c, log_cc = _by_origin(pairs, log_c, weights), _by_origin(pairs, log_c**2, weights)
        error = np.maximum(factor**2 * xx - 2 * factor * xc + cc, 0)
        tables = _tabulated(pairs, factor)
        ssi, geh, log_error, _ = (_interpolated(tables, number, factor, weights) for number in range(4))
        by_total = tables if is_scaled else _tabulated(pairs, to_total)
        divergence = _interpolated(by_total, 3, to_total, weights)
        least, relative = _piecewise_linear(pairs, factor, weights)
        covariance = n * xc - total_x * total_c
        values = {
            "cpc": 2 * least / (factor * total_x + total_c),
            "cpc_links": 2 * both / links,
            "ssi": ssi / some,
            "spearman": _spearman_draws(pairs, weights),
            "pearson": covariance / np.sqrt((n * xx - total_x**2) * (n * cc - total_c**2)),
            "r_squared": 1 - error / (cc - total_c**2 / n),
            "r_squared_log": 1 - log_error / (log_cc - sum_log_c**2 / n),
            "slope": factor * xc / cc,
            "rmse": np.sqrt(error / n),
            "nrmse": np.sqrt(error / n) / (total_c / n),
            "log_rmse": np.sqrt(log_error / n),
            "mape": relative / large,
            "geh_below_5": geh / some,
            "jensen_shannon": divergence / total_c,
        }
        if pairs.distance_km is not None:
            values |= _distance_draws(pairs, weights, factor, edges_km)
    return values


def _by_origin(pairs: FlowPairs, values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of values over the pairs of each resample."""
    return weights @ np.bincount(pairs.origin, values, minlength=pairs.origins)


def _tabulated(pairs: FlowPairs, factor: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes of the factor and, at each, sums by origin."""
    usable = factor[np.isfinite(factor)]
    low, high = (usable.min(), usable.max()) if len(usable) else (1.0, 1.0)
    # Factors that differ by rounding alone are one: nodes closer than that leave nothing to interpolate between.
    nodes = np.array([low]) if high <= low * (1 + 1e-12) else np.linspace(low, high, NODES)
    return nodes, _sums_at_nodes(pairs.starts, pairs.estimate, pairs.reference, nodes, GEH_BOUND)


def _interpolated(
    tables: tuple[NDArray[np.float64], NDArray[np.float64]],
    number: int,
    factor: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    nodes, sums = tables
    at_nodes = weights @ sums[number]  # draws × nodes
    if len(nodes) == 1:
        return at_nodes[:, 0]
    place = np.nan_to_num((factor - nodes[0]) / (nodes[1] - nodes[0]))
    left = np.clip(place.astype(np.int64), 0, len(nodes) - 2)
    share = place - left
    rows = np.arange(len(factor))
    return (1 - share) * at_nodes[rows, left] + share * at_nodes[rows, left + 1]


@njit(parallel=True, cache=True)
def _sums_at_nodes(starts, x, c, nodes, bound):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Sums by origin and node of similarity, GEH below the bound, squared log errors; of the divergence apart."""
    origins = len(starts) - 1
    sums = np.zeros((4, origins, len(nodes)))
    for i in prange(origins):
        for k in range(starts[i], starts[i + 1]):
            log_c = np.log1p(c[k])
            for g in range(len(nodes)):
                y = x[k] * nodes[g]
                total = y + c[k]
                if total <= 0:
                    continue
                sums[0, i, g] += 2 * min(y, c[k]) / total
                if 2 * (y - c[k]) ** 2 < bound**2 * total:
                    sums[1, i, g] += 1
                sums[2, i, g] += (np.log1p(y) - log_c) ** 2
                sums[3, i, g] += (0.5 * y * np.log(2 * y / total) if y > 0 else 0.0) + (
                    0.5 * c[k] * np.log(2 * c[k] / total) if c[k] > 0 else 0.0
                )
    return sums


def _piecewise_linear(
    pairs: FlowPairs, factor: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σ min(factor · x, c), and Σ |factor · x − c| / c over large c, exact for each factor.

    With the pairs of an origin in the order of c / x, both are sums over the pairs below the factor and above it.
    """
    x, c = pairs.estimate, pairs.reference
    ratio = np.full(len(x), np.inf)
    np.divide(c, x, out=ratio, where=x > 0)
    order = np.lexsort((ratio, pairs.origin))
    usable = np.nan_to_num(factor, nan=1.0, posinf=1.0)
    least = _least_draws(pairs.starts, ratio[order], _sums(x[order]), _sums(c[order]), usable, weights)
    large = c[order] >= LEAST_MAPE
    relative_x = np.where(large, x[order] / np.where(large, c[order], 1), 0.0)
    relative = _relative_draws(
        pairs.starts, ratio[order], _sums(relative_x), _sums(large.astype(float)), usable, weights
    )
    return least, relative


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the first 0, 1, … values."""
    return np.concatenate([[0.0], np.cumsum(values)])


@njit(parallel=True, cache=True)
def _least_draws(starts, ratio, sum_x, sum_c, factor, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    result = np.zeros(len(factor))
    for b in prange(len(factor)):
        total = 0.0
        for i in range(len(starts) - 1):
            if weights[b, i] > 0:
                first, last = starts[i], starts[i + 1]
                cut = first + np.searchsorted(ratio[first:last], factor[b])
                total += weights[b, i] * (sum_c[cut] - sum_c[first] + factor[b] * (sum_x[last] - sum_x[cut]))
        result[b] = total
    return result


@njit(parallel=True, cache=True)
def _relative_draws(starts, ratio, sum_r, sum_n, factor, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    result = np.zeros(len(factor))
    for b in prange(len(factor)):
        total = 0.0
        for i in range(len(starts) - 1):
            if weights[b, i] > 0:
                first, last = starts[i], starts[i + 1]
                cut = first + np.searchsorted(ratio[first:last], factor[b])
                below = factor[b] * (sum_r[cut] - sum_r[first]) - (sum_n[cut] - sum_n[first])
                above = (sum_n[last] - sum_n[cut]) - factor[b] * (sum_r[last] - sum_r[cut])
                total += weights[b, i] * (below + above)
        result[b] = total
    return result


def _spearman_draws(pairs: FlowPairs, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank correlation in each resample, a pair of an origin drawn twice counting twice."""
    values_x, rank_x = np.unique(np.concatenate([[0.0], pairs.estimate]), return_inverse=True)
    values_c, rank_c = np.unique(np.concatenate([[0.0], pairs.reference]), return_inverse=True)
    return _rank_draws(
        pairs.starts, rank_x[1:].astype(np.int32), rank_c[1:].astype(np.int32), len(values_x), len(values_c),
        pairs.zero_pairs.astype(np.float64), weights,
    )  # fmt: skip


@njit(parallel=True, cache=True)
def _rank_draws(starts, rank_x, rank_c, size_x, size_c, zeros, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    result = np.empty(weights.shape[0])
    for b in prange(weights.shape[0]):
        count_x, count_c = np.zeros(size_x), np.zeros(size_c)
        n = 0.0
        for i in range(len(starts) - 1):
            w = weights[b, i]
            if w > 0:
                for k in range(starts[i], starts[i + 1]):
                    count_x[rank_x[k]] += w
                    count_c[rank_c[k]] += w
                count_x[0] += w * zeros[i]
                count_c[0] += w * zeros[i]
                n += w * (starts[i + 1] - starts[i] + zeros[i])
        spread_x = _centred_ranks(count_x, n)
        spread_c = _centred_ranks(count_c, n)
        product = 0.0
        for i in range(len(starts) - 1):
            w = weights[b, i]
            if w > 0:
                part = zeros[i] * count_x[0] * count_c[0]
                for k in range(starts[i], starts[i + 1]):
                    part += count_x[rank_x[k]] * count_c[rank_c[k]]
                product += w * part
        spread = spread_x * spread_c
        result[b] = product / np.sqrt(spread) if spread > 0 else np.nan
    return result


@njit(cache=True)
def _centred_ranks(count, n):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Replace counts by mean ranks less the middle rank; return the sum of their squares."""
    below, spread = 0.0, 0.0
    for v in range(len(count)):
        rank = below + 0.5 * count[v] - 0.5 * n
        below += count[v]
        spread += count[v] * rank * rank
        count[v] = rank
    return spread


def _distance_draws(
    pairs: FlowPairs, weights: NDArray[np.float64], factor: NDArray[np.float64], edges_km: tuple[float, ...]
) -> dict[str, NDArray[np.float64]]:
    assert pairs.distance_km is not None  # noqa: S101  (checked by the caller)
    x, c, distance = pairs.estimate, pairs.reference, pairs.distance_km
    ours, theirs = (_by_class(pairs, (distance // BIN_KM).astype(np.int64), flow, weights) for flow in (x, c))
    ours *= factor[:, None]
    length_x = _by_origin(pairs, x * distance, weights) / _by_origin(pairs, x, weights)
    length_c = _by_origin(pairs, c * distance, weights) / _by_origin(pairs, c, weights)
    values = {
        "cpc_distance": 2 * np.minimum(ours, theirs).sum(1) / (ours.sum(1) + theirs.sum(1)),
        "trip_length_ratio": length_x / length_c,
    }
    band = bands(distance, edges_km)
    band_x, band_c = (_by_class(pairs, band, flow, weights, len(edges_km) + 1) for flow in (x, c))
    logs = np.log(band_x * factor[:, None] / band_c)
    logs[~np.isfinite(logs)] = np.nan
    return values | {name: logs[:, number] for number, name in enumerate(band_names(edges_km))}


def _by_class(
    pairs: FlowPairs,
    classes: NDArray[np.int64],
    flow: NDArray[np.float64],
    weights: NDArray[np.float64],
    size: int | None = None,
) -> NDArray[np.float64]:
    """Sums by class in each resample."""
    classes_in_use, code = np.unique(classes, return_inverse=True)
    if size is not None:
        classes_in_use, code = np.arange(size), classes
    cells = np.bincount(pairs.origin * len(classes_in_use) + code, flow, minlength=pairs.origins * len(classes_in_use))
    return weights @ cells.reshape(pairs.origins, len(classes_in_use))
