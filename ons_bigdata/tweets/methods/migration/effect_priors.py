"""Priors of the effects of areas: gamma with mean 1, or with means that follow official moves of an earlier year.

The slope on the official pattern and the spread around it are estimated from the moves of users, so that these decide
how much the official pattern counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln, xlogy

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOG_SHAPES = (-3.0, 7.0)
"""Bounds of the logarithm of the shape of a gamma prior."""
SHAPE_PRIOR = (5.0, 0.7)
"""Shape that is expected (rates of areas differ by 45 %), and the standard deviation of its logarithm."""
OFFICIAL_SHAPE_PRIOR = (30.0, 1.0)
"""The same around an official pattern (18 %): official rates of two years differ by 5 to 9 %, users are others."""
SLOPE_PRIOR = (1.0, 0.3)
"""Slope on an official pattern that is expected, since rates last from year to year, and its standard deviation."""
SLOPES = (-3.0, 3.0)
FITTING_ROUNDS = 50
LEAST_MOVES = 1.0
"""Official moves that count for an area with fewer, since none have no logarithm."""


@dataclass(frozen=True)
class EffectPrior:
    """Gamma prior of an effect of each area."""

    mean: Floats
    shape: Floats
    due: Floats
    """Moves that are expected of the users of each area if the effect is 1."""
    pattern: Floats | None = None
    """Logarithms of the official effects, 0 on average and where they are not known; None if they are nowhere."""
    slope: float = 0.0
    slope_error: float = 0.0

    def drawn_mean(self, random: Generator) -> Floats:
        """Means for a slope drawn from its uncertainty."""
        if self.pattern is None:
            return self.mean
        return _means(random.normal(self.slope, self.slope_error), self.pattern, self.due)


def fit_prior(counts: Floats, due: Floats, pattern: Floats | None = None) -> EffectPrior:
    """Prior of the effects of areas with so many moves, of which `due` are expected if the effects are 1.

    Without `pattern` the mean is 1 and the shape that of `prior_shape`. With it (logarithm of the official effect of
    each area, NaN where not known) the mean is proportional to exp(slope · pattern), 1 on average over the moves that
    are due; slope and shape make the counts (negative binomial) and themselves most likely, by `SLOPE_PRIOR` and
    `OFFICIAL_SHAPE_PRIOR`. Areas whose official effect is not known have the mean effect and the shape that is expected
    without a pattern.
    """
    known = np.zeros(len(due), dtype=np.bool_) if pattern is None else np.isfinite(pattern)
    used = known & (due > 0)
    if pattern is None or not used.any():
        return EffectPrior(np.ones(len(due)), np.full(len(due), prior_shape(counts, due)), due)
    centred = np.where(known, pattern - np.average(pattern[used], weights=due[used]), 0.0)
    start = np.array([SLOPE_PRIOR[0], np.log(OFFICIAL_SHAPE_PRIOR[0])])
    simplex = start + np.array([[0.0, 0.0], [-0.5, 0.0], [0.0, 1.0]])
    found = minimize(
        _joint_loss,
        start,
        (counts[used], due[used], centred[used]),
        method="Nelder-Mead",
        bounds=(SLOPES, LOG_SHAPES),
        options={"xatol": 1e-6, "fatol": 1e-9, "initial_simplex": simplex},
    )
    slope, log_shape = found.x
    shape, mean = float(np.exp(log_shape)), _means(slope, centred, due)
    expected = (due * mean)[used]
    apart = centred[used] - np.average(centred[used], weights=expected)
    information = 1 / SLOPE_PRIOR[1] ** 2 + (apart**2 * expected * shape / (shape + expected)).sum()
    return EffectPrior(
        mean, np.where(known, shape, SHAPE_PRIOR[0]), due, centred, float(slope), float(information**-0.5)
    )


def _joint_loss(point: Floats, n: Floats, due: Floats, pattern: Floats) -> float:
    """Negative logarithm of the likelihood of counts and of slope and log shape themselves, but for a constant."""
    slope, log_shape = point
    shape, expected = float(np.exp(log_shape)), due * _means(slope, pattern, due)
    off = (log_shape - np.log(OFFICIAL_SHAPE_PRIOR[0])) / OFFICIAL_SHAPE_PRIOR[1]
    return float(
        0.5 * off**2 + 0.5 * ((slope - SLOPE_PRIOR[0]) / SLOPE_PRIOR[1]) ** 2 - _log_likelihood(n, expected, shape)
    )


def _log_likelihood(n: Floats, expected: Floats, shape: float) -> float:
    """Logarithm of the negative binomial likelihood of counts but for a constant; they need not be whole."""
    terms = xlogy(n, expected) + shape * np.log(shape) - (n + shape) * np.log(expected + shape)
    return float((terms + gammaln(n + shape) - gammaln(shape)).sum())


def prior_shape(counts: Floats, expected: Floats, prior: tuple[float, float] = SHAPE_PRIOR) -> float:
    """Shape of the gamma prior, with mean 1, of the ratio of rates to the expected ones.

    The one that makes the counts (negative binomial) and itself, by the `prior` (shape that is expected, standard
    deviation of its logarithm), most likely. Cells that expect nothing do not count.
    """
    n, m = counts[expected > 0], expected[expected > 0]
    found = minimize_scalar(_shape_loss, args=(n, m, prior), bounds=LOG_SHAPES, method="bounded").x
    return float(np.exp(found))


def shape_error(counts: Floats, expected: Floats, shape: float, prior: tuple[float, float] = SHAPE_PRIOR) -> float:
    """Standard deviation of the logarithm of a shape that `prior_shape` found, by the curvature of the likelihood."""
    n, m, step = counts[expected > 0], expected[expected > 0], 0.25
    low, middle, high = (_shape_loss(np.log(shape) + change, n, m, prior) for change in (-step, 0.0, step))
    curvature = (low + high - 2 * middle) / step**2
    return float(max(curvature, 1 / prior[1] ** 2) ** -0.5)  # never less certain than the prior


def _shape_loss(log_shape: float, n: Floats, m: Floats, prior: tuple[float, float]) -> float:
    """Negative logarithm of the likelihood of counts and of a shape itself."""
    shape = float(np.exp(log_shape))
    penalty = 0.5 * ((log_shape - np.log(prior[0])) / prior[1]) ** 2
    return penalty - _log_likelihood(n, m, shape)


def _means(slope: float, pattern: Floats, due: Floats) -> Floats:
    """Means proportional to exp(slope · pattern), 1 on average over the moves that are due."""
    relative = np.exp(slope * pattern)
    total = due.sum()
    means: Floats = relative * (total / (due @ relative)) if total > 0 else relative
    return means


def official_effects(moved_out: Floats, moved_in: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Logarithms of the effects of origins and destinations that give a table of expected moves its official margins.

    `moved_out`, `moved_in`: official moves of each area, NaN where they are not known; `expected`: origins ×
    destinations, without moves within an area, on any scale. Iterative proportional fitting, with the effect 1 where a
    margin is not known or nothing is expected: NaN in the result.

    Source: Deming & Stephan, Annals of Mathematical Statistics 11 (1940) 427–444.
    """
    origin, destination = np.ones(len(moved_out)), np.ones(len(moved_in))
    known_out, known_in = np.isfinite(moved_out), np.isfinite(moved_in)
    outward, inward = np.maximum(moved_out, LEAST_MOVES), np.maximum(moved_in, LEAST_MOVES)
    for _ in range(FITTING_ROUNDS):
        origin = _fitted(outward, expected @ destination, known_out)
        destination = _fitted(inward, origin @ expected, known_in)
    return tuple(  # type: ignore[return-value]
        np.where(known, np.log(effect), np.nan) for effect, known in ((origin, known_out), (destination, known_in))
    )


def _fitted(moved: Floats, due: Floats, known: NDArray[np.bool_]) -> Floats:
    """Effects that make the moves that are due the official ones, up to a factor: 1 on average where both are known."""
    used = known & (due > 0)
    if not used.any():
        return np.ones(len(due))
    scale = due[used].sum() / moved[used].sum()
    effects: Floats = np.where(used, moved * scale / np.where(used, due, 1.0), 1.0)
    return effects
