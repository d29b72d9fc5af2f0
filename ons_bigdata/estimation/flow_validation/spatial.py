"""Spatial structure of residuals of zones: Moran's I and its local form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEGLIGIBLE = 1e-20
"""Variance that counts as rounding, of values of about 1 or less; of larger ones relative to their square."""


class Moran(NamedTuple):
    """Moran's I of values of zones, with its expectation and p-value if zones were exchangeable."""

    value: float
    expected: float
    p_value: float
    """Share of permutations of the zones with an I as far from the expectation, two-sided."""


def nearest_neighbours(distance_km: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    """Weights of the nearest zones: rows sum to 1 over the `neighbours` nearest other zones.

    `distance_km`: zones × zones, NaN where unknown. Of equally distant ones the first in order count. A zone with
    fewer known distances has fewer neighbours; one without any has a row of zeros.
    """
    distance = np.where(np.isnan(distance_km), np.inf, distance_km)
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, axis=1, kind="stable")[:, :neighbours]
    weights = np.zeros_like(distance)
    np.put_along_axis(weights, order, 1.0, axis=1)
    weights[~np.isfinite(distance)] = 0.0
    sums = weights.sum(1, keepdims=True)
    return np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)


def morans_i(
    values: NDArray[np.float64], weights: NDArray[np.float64], *, permutations: int = 999, seed: int = 0
) -> Moran:
    """Moran's I = (n / Σ w) Σ w_ij z_i z_j / Σ z_i², z the values less their mean; NaN if they do not vary.

    `values`: by zone. `weights`: zones × zones. The p-value is (1 + as extreme) / (1 + permutations), seeded.

    Source: Cliff & Ord, Spatial Processes (1981), 1.5 and 2.4.
    """
    n = len(values)
    z = values - values.mean() if n else values
    spread, total = float((z**2).sum()), float(weights.sum())
    if n < 3 or total <= 0 or spread <= NEGLIGIBLE * n * max(float((values**2).max()), 1.0):
        return Moran(float("nan"), float("nan"), float("nan"))
    scale = n / total / spread
    value = scale * float(z @ weights @ z)
    expected = -1 / (n - 1)
    random = np.random.default_rng(seed)
    shuffled = random.permuted(np.tile(z, (permutations, 1)), axis=1)
    drawn = scale * np.einsum("bi,bi->b", shuffled @ weights, shuffled)
    extreme = int((np.abs(drawn - expected) >= abs(value - expected) - 1e-15).sum())
    return Moran(value, expected, (1 + extreme) / (1 + permutations))


def local_morans_i(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Local Moran's I of each zone, z_i Σ_j w_ij z_j / (Σ z² / n); NaN if the values do not vary.

    Positive where a zone resembles its neighbours. With rows of weights that sum to 1, the mean is Moran's I.

    Source: Anselin, Local indicators of spatial association, Geographical Analysis 27 (1995) 93–115.
    """
    z = values - values.mean() if len(values) else values
    variance = float((z**2).mean()) if len(z) else 0.0
    if variance <= NEGLIGIBLE * max(float((values**2).max(initial=0.0)), 1.0):
        return np.full(len(values), np.nan)
    return z * (weights @ z) / variance
