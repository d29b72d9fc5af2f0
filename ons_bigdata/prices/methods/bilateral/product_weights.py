"""Weights of products of which a bilateral index is the mean: arithmetic or geometric, exactly.

A weight function takes the prices and quantities (p0, p1, q0, q1) of the matched products and returns weights that add
up to 1. Written r = p1/p0, s = expenditure shares, L = logarithmic mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ons_bigdata.prices.methods.bilateral.weighted import half_harmonic_mean, laspeyres, paasche, shares
from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean

if TYPE_CHECKING:
    from ons_bigdata.prices.methods.bilateral.registry import Formula

Vector = NDArray[np.float64]
ProductWeights = Callable[[Vector, Vector, Vector, Vector], Vector]


def to_geometric(relatives: Vector, weights: Vector) -> Vector:
    """Transmute arithmetic weights w into geometric ones, w·L(r, P)/Σ: exp(Σw*ln r) = Σwr = P.

    Source: Balk (2008), Price and Quantity Index Numbers, chapter 4; Reinsdorf, Diewert and Ehemann (2002), Additive
    decompositions for Fisher, Törnqvist and geometric mean indexes, J. Econ. Soc. Meas. 28.
    """
    mean = np.full(len(relatives), np.sum(weights * relatives))
    return shares(weights * logarithmic_mean(relatives, mean))


def to_arithmetic(relatives: Vector, weights: Vector) -> Vector:
    """Transmute geometric weights w into arithmetic ones, w/L(r, P) made to add up to 1: Σw*r = exp(Σw ln r) = P.

    Source: as `to_geometric`.
    """
    mean = np.full(len(relatives), np.exp(np.sum(weights * np.log(relatives))))
    return shares(weights / logarithmic_mean(relatives, mean))


def geometric_weights(formula: Formula, p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Weights w with ln P = Σ w ln r of a formula that `decomposes`."""
    if formula.geometric is not None:
        return formula.geometric(p0, p1, q0, q1)
    assert formula.arithmetic is not None  # noqa: S101 (the caller has checked `decomposes`)
    return to_geometric(p1 / p0, formula.arithmetic(p0, p1, q0, q1))


def arithmetic_weights(formula: Formula, p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Weights w with P = Σ w r of a formula that `decomposes`."""
    if formula.arithmetic is not None:
        return formula.arithmetic(p0, p1, q0, q1)
    assert formula.geometric is not None  # noqa: S101 (the caller has checked `decomposes`)
    return to_arithmetic(p1 / p0, formula.geometric(p0, p1, q0, q1))


def equal(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """1/n each."""
    return np.full(len(p0), 1 / len(p0))


def base_prices(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Proportional to p0: a basket of one of each."""
    return shares(p0)


def inverse_relatives(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Proportional to 1/r: the harmonic mean as an arithmetic one."""
    return shares(p0 / p1)


def base_shares(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """s0."""
    return shares(p0 * q0)


def current_shares(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """s1."""
    return shares(p1 * q1)


def mean_shares(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """(s0 + s1)/2."""
    return (shares(p0 * q0) + shares(p1 * q1)) / 2


def logarithmic_mean_shares(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Proportional to L(s0, s1)."""
    return shares(logarithmic_mean(shares(p1 * q1), shares(p0 * q0)))


def harmonic_mean_shares(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Proportional to s0s1/(s0 + s1)."""
    return shares(half_harmonic_mean(shares(p0 * q0), shares(p1 * q1)))


def base_basket(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Cost shares of the basket q0 at p0."""
    return shares(p0 * q0)


def current_basket(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Cost shares of the basket q1 at p0."""
    return shares(p0 * q1)


def mean_baskets(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Mean of the cost shares of the baskets q0 and q1 at p0."""
    return (shares(p0 * q0) + shares(p0 * q1)) / 2


def summed_basket(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Cost shares of the basket q0 + q1 at p0."""
    return shares(p0 * (q0 + q1))


def walsh_basket(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Cost shares of the basket √(q0q1) at p0."""
    return shares(p0 * np.sqrt(q0) * np.sqrt(q1))


def harmonic_basket(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Cost shares of the basket q0q1/(q0 + q1) at p0."""
    return shares(p0 * half_harmonic_mean(q0, q1))


def fisher_arithmetic(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Cost shares of the basket q0 + q1/Q at p0, Q the Fisher quantity index.

    Source: van IJzeren (1987), Bias in international index numbers; Reinsdorf, Diewert and Ehemann (2002), section 2.
    """
    quantity_index = np.sqrt(laspeyres(q0, q1, p0, p1) * paasche(q0, q1, p0, p1))
    return shares(p0 * (q0 + q1 / quantity_index))


def fisher_geometric(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Mean of the geometric weights of Laspeyres and Paasche. Source: as `to_geometric`."""
    relatives = p1 / p0
    return (to_geometric(relatives, shares(p0 * q0)) + to_geometric(relatives, shares(p0 * q1))) / 2
