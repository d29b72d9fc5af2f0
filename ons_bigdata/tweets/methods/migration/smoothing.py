"""Poisson-gamma smoothing of counts of moves between areas towards what their margins lead one to expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom

if TYPE_CHECKING:
    from numpy.typing import NDArray

ITERATIONS = 100
LOG_SHAPES = (-3.0, 7.0)
"""Bounds of the logarithm of the shape of the gamma prior."""


class SmoothedCounts(NamedTuple):
    """Means and ends of intervals of the counts, origins × destinations; 0 where a margin is 0."""

    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    shape: float


def smoothed_counts(counts: NDArray[np.int64], confidence: float, *, draws: int = 200, seed: int = 0) -> SmoothedCounts:
    """Posterior means of the rates of moves, from a square table of counts with an empty diagonal.

    The count of a cell is Poisson, its rate gamma with mean m and shape k. m is quasi-independence: a product of an
    effect of the origin and one of the destination that has the margins of the counts and no moves within an area. k,
    the same for all cells, makes the counts most likely (negative binomial). The posterior of a rate is gamma with mean
    (n + k) / (1 + k / m). The interval is that of percentiles over `draws` (seeded): rates of the posterior, counts
    of these, smoothed with the same k and posterior again, so that margins are uncertain, too.

    Raises ValueError if the table is not square, or has moves within an area or negative counts.

    Source: empirical Bayes for rates, Clayton & Kaldor, Biometrics 43 (1987) 671–681; quasi-independence: Goodman, JASA
    63 (1968) 1091–1131.
    """
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or np.diag(counts).any() or (counts < 0).any():
        message = (
            f"counts have shape {counts.shape}; expected a square table without moves within an area, none below 0"
        )
        raise ValueError(message)
    expected = _quasi_independence(counts.astype(float))
    cells = expected > 0
    n, m = counts[cells], expected[cells]
    mean, lower, upper = (np.zeros(counts.shape) for _ in range(3))
    if not cells.any():
        return SmoothedCounts(mean, lower, upper, 1.0)

    def loss(log_shape: float) -> float:
        shape = np.exp(log_shape)
        return float(-nbinom.logpmf(n, shape, shape / (shape + m)).sum())

    shape = float(np.exp(minimize_scalar(loss, bounds=LOG_SHAPES, method="bounded").x))
    mean[cells] = (n + shape) / (1 + shape / m)
    random = np.random.default_rng(seed)
    drawn = np.zeros((draws, len(n)))
    again = np.zeros(counts.shape)
    for draw in drawn:
        again[cells] = random.poisson(random.gamma(n + shape, 1 / (1 + shape / m)))
        prior = _quasi_independence(again)[cells]
        rate = np.divide(shape, prior, out=np.full(len(n), np.inf), where=prior > 0)
        draw[:] = random.gamma(again[cells] + shape, 1 / (1 + rate))
    tail = (1 - confidence) / 2
    lower[cells], upper[cells] = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return SmoothedCounts(mean, lower, upper, shape)


def _quasi_independence(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Product of effects of rows and columns, without the diagonal, with the margins of the counts."""
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    origin, destination = rows.copy(), np.where(columns > 0, 1.0, 0.0)
    for _ in range(ITERATIONS):
        others = destination.sum() - destination
        origin = np.divide(rows, others, out=np.zeros_like(rows), where=others > 0)
        others = origin.sum() - origin
        destination = np.divide(columns, others, out=np.zeros_like(columns), where=others > 0)
    expected = np.outer(origin, destination)
    np.fill_diagonal(expected, 0.0)
    return expected
