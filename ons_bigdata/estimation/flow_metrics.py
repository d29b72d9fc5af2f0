"""Values of the metrics of two aligned tables of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy
from scipy.stats import kendalltau, rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.estimation.flow_pairs import FlowPairs

BIN_KM = 2.0
"""Width of the classes of distance of `cpc_distance`."""
LEAST_MAPE = 25.0
"""Least reference flow of a cell of `mape`."""
GEH_BOUND = 5.0

METRICS = (
    *("cpc", "cpc_links", "cpc_distance", "ssi", "spearman", "pearson", "r_squared", "r_squared_log", "slope"),
    *("rmse", "nrmse", "log_rmse", "mape", "geh_below_5", "jensen_shannon", "trip_length_ratio", "net_sign_agreement"),
    "kendall_top_100",
)
DISTANCE_METRICS = ("cpc_distance", "trip_length_ratio")


def band_names(edges_km: tuple[float, ...]) -> list[str]:
    """Names of the metrics of signed bias, one for each band of distance: log_bias_0-2_km, …, log_bias_40+_km."""
    lower = (0.0, *edges_km)
    return [
        f"log_bias_{low:g}+_km" if high is None else f"log_bias_{low:g}-{high:g}_km"
        for low, high in zip(lower, (*edges_km, None), strict=True)
    ]


def bands(distance_km: NDArray[np.float64], edges_km: tuple[float, ...]) -> NDArray[np.int64]:
    """Number of the band of each distance; a band holds its lower end."""
    return np.searchsorted(np.array(edges_km), distance_km, side="right")


def metric_values(pairs: FlowPairs, factor: float, edges_km: tuple[float, ...]) -> dict[str, float]:
    """Value of each metric; NaN where it is not defined. The estimate counts times `factor`."""
    y, c = pairs.estimate * factor, pairs.reference
    zeros = int(pairs.zero_pairs.sum())
    n = len(c) + zeros
    total_y, total_c = y.sum(), c.sum()
    mean = total_c / n if n else np.nan
    spread = ((c - mean) ** 2).sum() + zeros * mean**2
    log_y, log_c = np.log1p(y), np.log1p(c)
    log_mean = log_c.sum() / n if n else np.nan
    log_spread = ((log_c - log_mean) ** 2).sum() + zeros * log_mean**2
    error, log_error = ((y - c) ** 2).sum(), ((log_y - log_c) ** 2).sum()
    some = y + c > 0
    large = c >= LEAST_MAPE
    values = {
        "cpc": _ratio(2 * np.minimum(y, c).sum(), total_y + total_c),
        "cpc_links": _ratio(2 * ((y > 0) & (c > 0)).sum(), (y > 0).sum() + (c > 0).sum()),
        "ssi": _ratio((2 * np.minimum(y, c)[some] / (y + c)[some]).sum(), some.sum()),
        "spearman": _spearman(y, c, zeros),
        "pearson": _correlation(y, c, zeros),
        "r_squared": 1 - _ratio(error, spread),
        "r_squared_log": 1 - _ratio(log_error, log_spread),
        "slope": _ratio((y * c).sum(), (c**2).sum()),
        "rmse": np.sqrt(_ratio(error, n)),
        "nrmse": _ratio(np.sqrt(_ratio(error, n)), mean),
        "log_rmse": np.sqrt(_ratio(log_error, n)),
        "mape": _ratio((np.abs(y - c)[large] / c[large]).sum(), large.sum()),
        "geh_below_5": _ratio((geh(y[some], c[some]) < GEH_BOUND).sum(), some.sum()),
        "jensen_shannon": _ratio(divergence_terms(y * _ratio(total_c, total_y), c).sum(), total_c),
        "net_sign_agreement": net_sign_agreement(pairs, y),
        "kendall_top_100": _kendall_of_largest(y, c),
    }
    if pairs.distance_km is not None:
        values |= _distance_values(pairs, y, edges_km)
    return {name: float(value) for name, value in values.items()}


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator) / float(denominator) if denominator > 0 else np.nan


def geh(y: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """GEH of each cell, √(2 (y − c)² / (y + c)); 0 for two zeros."""
    total = y + c
    return np.sqrt(2 * (y - c) ** 2 / np.where(total > 0, total, 1))


def divergence_terms(y: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Terms of the Jensen-Shannon divergence of two tables of the same total, times the total (natural log)."""
    total = np.where(y + c > 0, y + c, 1)
    return 0.5 * (xlogy(y, 2 * y / total) + xlogy(c, 2 * c / total))


def _distance_values(pairs: FlowPairs, y: NDArray[np.float64], edges_km: tuple[float, ...]) -> dict[str, float]:
    assert pairs.distance_km is not None  # noqa: S101  (checked by the caller)
    c, distance = pairs.reference, pairs.distance_km
    classes = (distance // BIN_KM).astype(np.int64)
    ours, theirs = np.bincount(classes, y), np.bincount(classes, c)
    band = bands(distance, edges_km)
    size = len(edges_km) + 1
    band_y, band_c = np.bincount(band, y, minlength=size), np.bincount(band, c, minlength=size)
    length_c = _ratio((c * distance).sum(), c.sum())
    values = {
        "cpc_distance": _ratio(2 * np.minimum(ours, theirs).sum(), y.sum() + c.sum()),
        "trip_length_ratio": _ratio(_ratio((y * distance).sum(), y.sum()), length_c),
    }
    for name, one, other in zip(band_names(edges_km), band_y, band_c, strict=True):
        values[name] = float(np.log(one / other)) if one > 0 and other > 0 else np.nan
    return values


def net_sign_agreement(pairs: FlowPairs, y: NDArray[np.float64]) -> float:
    """Share of zones whose net flow (in − out) has the same sign in both tables; no net flow in both agrees."""
    keys = {key: number for number, key in enumerate(pairs.origin_keys.to_list())}
    for key in pairs.destination_keys.to_list():
        keys.setdefault(key, len(keys))
    place = np.array([keys[key] for key in pairs.destination_keys.to_list()], dtype=np.int64)
    signs = []
    for flow in (y, pairs.reference):
        into = np.bincount(place[pairs.destination], flow, minlength=len(keys)) if len(flow) else np.zeros(len(keys))
        out = np.bincount(pairs.origin, flow, minlength=len(keys)) if len(flow) else np.zeros(len(keys))
        net = into - out
        signs.append(np.where(np.abs(net) <= 1e-9 * (into + out), 0, np.sign(net)))
    return _ratio((signs[0] == signs[1]).sum(), len(keys))


def _correlation(y: NDArray[np.float64], c: NDArray[np.float64], zeros: int) -> float:
    n = len(y) + zeros
    if n == 0:
        return float("nan")
    mean_y, mean_c = y.sum() / n, c.sum() / n
    product = ((y - mean_y) * (c - mean_c)).sum() + zeros * mean_y * mean_c
    spread_y = ((y - mean_y) ** 2).sum() + zeros * mean_y**2
    spread_c = ((c - mean_c) ** 2).sum() + zeros * mean_c**2
    if min(spread_y, spread_c) <= 1e-24 * max(n, 1) * max(mean_y, mean_c, 1e-300) ** 2:
        return float("nan")
    return float(product / np.sqrt(spread_y * spread_c))


TOP_PAIRS = 100


def _kendall_of_largest(y: NDArray[np.float64], c: NDArray[np.float64]) -> float:
    """Kendall's τ-b over the pairs with the largest reference flows; pairs as large as the last of them are among them.

    NaN with fewer than two different flows in a table.
    """
    if len(c) < 2:
        return float("nan")
    least = np.partition(c, -TOP_PAIRS)[-TOP_PAIRS] if len(c) > TOP_PAIRS else 0.0
    top = (c >= least) & (c > 0)
    if top.sum() < 2 or np.ptp(y[top]) == 0 or np.ptp(c[top]) == 0:
        return float("nan")
    return float(kendalltau(y[top], c[top]).statistic)


def _spearman(y: NDArray[np.float64], c: NDArray[np.float64], zeros: int) -> float:
    """Rank correlation, mean ranks for ties; `zeros` further pairs are zero in both tables."""
    n = len(y) + zeros
    if n < 2:
        return float("nan")
    ranks = []
    for flow in (y, c):
        lowest = int((flow == 0).sum())
        rank = np.where(flow == 0, (lowest + zeros + 1) / 2, rankdata(flow) + zeros)
        ranks.append((rank, (lowest + zeros + 1) / 2))
    middle = (n + 1) / 2
    (rank_y, zero_y), (rank_c, zero_c) = ranks
    product = ((rank_y - middle) * (rank_c - middle)).sum() + zeros * (zero_y - middle) * (zero_c - middle)
    spread_y = ((rank_y - middle) ** 2).sum() + zeros * (zero_y - middle) ** 2
    spread_c = ((rank_c - middle) ** 2).sum() + zeros * (zero_c - middle) ** 2
    return float(product / np.sqrt(spread_y * spread_c)) if min(spread_y, spread_c) > 0 else float("nan")
