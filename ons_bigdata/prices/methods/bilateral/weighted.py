"""Weighted price indices between two periods, from prices and quantities.

Plain vectors in, one number out; each formula is an entry of `registry`, by which `bilateral_index` calls it. Each
takes the prices (> 0) and quantities (≥ 0) of the same products in the base period (`p0`, `q0`) and the current one
(`p1`, `q1`); r = p1/p0 and s0, s1 are the expenditure shares pq/Σpq. "CPI manual" is ILO et al., Consumer Price Index
Manual: Theory and Practice (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]


def laspeyres(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Cost of the base basket: Σp1q0/Σp0q0. Source: CPI manual, chapter 15, section B."""
    return lowe(p0, p1, q0)


def paasche(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Cost of the current basket: Σp1q1/Σp0q1. Source: CPI manual, chapter 15, section B."""
    return lowe(p0, p1, q1)


def fisher(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Geometric mean of Laspeyres and Paasche. Source: CPI manual, chapter 15, section C."""
    return float(np.sqrt(laspeyres(p0, p1, q0, q1) * paasche(p0, p1, q0, q1)))


def drobisch(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Arithmetic mean of Laspeyres and Paasche. Source: CPI manual, chapter 15, section C."""
    return (laspeyres(p0, p1, q0, q1) + paasche(p0, p1, q0, q1)) / 2


def walsh(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Cost of the basket √(q0q1). Source: CPI manual, chapter 15, section C."""
    return lowe(p0, p1, np.sqrt(q0) * np.sqrt(q1))


def marshall_edgeworth(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Cost of the basket q0 + q1. Source: CPI manual, chapter 15, section C."""
    return lowe(p0, p1, q0 + q1)


def geary_khamis(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Cost of the basket of harmonic means, q0q1/(q0 + q1): the Geary–Khamis index of two periods.

    Source: Khamis (1972), A new system of index numbers for national and international purposes, J. R. Statist. Soc. A.
    """
    return lowe(p0, p1, half_harmonic_mean(q0, q1))


def lowe(p0: Vector, p1: Vector, basket: Vector) -> float:
    """Cost of a fixed basket: Σp1b/Σp0b, b the quantities of a third period.

    Source: CPI manual, chapter 15, section D.
    """
    return float(np.sum(p1 * basket) / np.sum(p0 * basket))


def young(p0: Vector, p1: Vector, expenditures: Vector) -> float:
    """Mean of relatives with fixed shares: Σsr, s = expenditures of a third period, made to add up to 1.

    Source: CPI manual, chapter 15, section D.
    """
    return float(np.sum(shares(expenditures) * (p1 / p0)))


def lowe_of_period(p0: Vector, p1: Vector, pb: Vector, qb: Vector) -> float:
    """Lowe index with the quantities qb of a period b. Source: as `lowe`."""
    return lowe(p0, p1, qb)


def young_of_period(p0: Vector, p1: Vector, pb: Vector, qb: Vector) -> float:
    """Young index with the expenditure shares of a period b. Source: as `young`."""
    return young(p0, p1, pb * qb)


def palgrave(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Mean of relatives with current shares: Σs1r. Source: CPI manual, chapter 16."""
    return young(p0, p1, p1 * q1)


def geometric_laspeyres(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Geometric mean of relatives with base shares: exp(Σs0 ln r). Source: CPI manual, chapter 16."""
    return _geometric_mean(p1 / p0, shares(p0 * q0))


def geometric_paasche(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Geometric mean of relatives with current shares: exp(Σs1 ln r). Source: CPI manual, chapter 16."""
    return _geometric_mean(p1 / p0, shares(p1 * q1))


def tornqvist(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Geometric mean of relatives with the mean of both shares: exp(Σ(s0 + s1)/2 ln r).

    Source: CPI manual, chapter 16.
    """
    return _geometric_mean(p1 / p0, (shares(p0 * q0) + shares(p1 * q1)) / 2)


def sato_vartia(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Geometric mean of relatives with the logarithmic means of both shares, (s1 − s0)/ln(s1/s0), made to add up to 1.

    Sources: Sato (1976), The ideal log-change index number, Rev. Econ. Stat. 58; Vartia (1976), Ideal log-change
    index numbers, Scand. J. Stat. 3.
    """
    weights = logarithmic_mean(shares(p1 * q1), shares(p0 * q0))
    return _geometric_mean(p1 / p0, shares(weights))


def montgomery_vartia(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Mean log relative weighted by logarithmic means of values: exp(Σ L(v1, v0)/L(Σv1, Σv0) ln r), v = pq.

    The weights do not add up to 1. Sources: Montgomery (1937), The mathematical problem of the price index; Vartia
    (1976), Ideal log-change index numbers, Scand. J. Stat. 3 (Vartia I).
    """
    v0, v1 = p0 * q0, p1 * q1
    return _geometric_mean(p1 / p0, logarithmic_mean(v1, v0) / logarithmic_mean(v1.sum(), v0.sum()))


def lloyd_moulton(p0: Vector, p1: Vector, q0: Vector, q1: Vector, *, sigma: float) -> float:
    """Cost of living at a constant elasticity of substitution: (Σs0 r^(1−σ))^(1/(1−σ)).

    σ = 0 is the Laspeyres; σ = 1 is taken as the limit, the geometric Laspeyres.
    Source: CPI manual, chapter 17.
    """
    relatives, base = p1 / p0, shares(p0 * q0)
    if sigma == 1:
        return _geometric_mean(relatives, base)
    # log1p and expm1 keep their digits where σ is near 1.
    mean = np.sum(base * np.expm1((1 - sigma) * np.log(relatives)))
    return float(np.exp(np.log1p(mean) / (1 - sigma)))


def stuvel(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Solve P − V/P = L − LQ: P = A + √(A² + V) with A = (L − LQ)/2.

    L, LQ are the Laspeyres price and quantity index, V = Σp1q1/Σp0q0.
    Source: Stuvel (1957), A new index number formula, Econometrica 25.
    """
    half_gap = (laspeyres(p0, p1, q0, q1) - laspeyres(q0, q1, p0, p1)) / 2
    value_ratio = np.sum(p1 * q1) / np.sum(p0 * q0)
    return float(half_gap + np.sqrt(half_gap**2 + value_ratio))


def unit_value(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> float:
    """Ratio of unit values: (Σp1q1/Σq1)/(Σp0q0/Σq0). Defined also where the periods hold different products.

    For products of one kind, in one unit of quantity. Source: CPI manual, chapter 20, section B.
    """
    return float((np.sum(p1 * q1) / np.sum(q1)) / (np.sum(p0 * q0) / np.sum(q0)))


def quadratic_mean(p0: Vector, p1: Vector, q0: Vector, q1: Vector, *, order: float) -> float:
    """Quadratic mean of order r: (Σs0 r^(order/2))^(1/order) · (Σs1 r^(−order/2))^(−1/order).

    Order 2 is the Fisher; order 0 is taken as the limit, the Törnqvist. Source: CPI manual, chapter 17, section D.
    """
    if order == 0:
        return tornqvist(p0, p1, q0, q1)
    half_logs = order / 2 * np.log(p1 / p0)
    # log1p and expm1 keep their digits where the order is near 0.
    base = np.log1p(np.sum(shares(p0 * q0) * np.expm1(half_logs)))
    current = np.log1p(np.sum(shares(p1 * q1) * np.expm1(-half_logs)))
    return float(np.exp((base - current) / order))


def time_product_dummy(
    p0: Vector, p1: Vector, q0: Vector, q1: Vector, *, weights: str = "shares", adjust_bias: bool = False
) -> float:
    """Exp of the time effect δ in ln p = δ·[current] + product effect, by weighted least squares.

    δ = Σh ln r/Σh; h = s0s1/(s0 + s1) with `weights` "shares" (of expenditure in each period); h ∝ s0 + s1 with
    "average" (the mean of both shares in both periods: δ is the log of the Törnqvist); h equal with "none" (Jevons).
    `adjust_bias`: exp(δ − v/2), v the estimated variance of δ on n − 1 degrees of freedom, n the products of h > 0; not
    a number where there is one only.
    Sources: Diewert (2005), Weighted country product dummy variable regressions and index number formulae, Rev.
    Income Wealth 51; of the adjustment, Kennedy (1981), Estimation with correctly interpreted dummy variables in
    semilogarithmic equations, Am. Econ. Rev. 71.
    """
    s0, s1 = shares(p0 * q0), shares(p1 * q1)
    log_relatives = np.log(p1 / p0)
    # Two observations of weights a and b weigh like one difference of weight ab/(a + b).
    h = {"shares": half_harmonic_mean(s0, s1), "average": (s0 + s1) / 4, "none": np.full(len(s0), 0.5)}[weights]
    effect = float(np.sum(shares(h) * log_relatives))
    if not adjust_bias:
        return float(np.exp(effect))
    if (products := np.count_nonzero(h)) == 1:
        return float("nan")
    residual_variance = np.sum(h * (log_relatives - effect) ** 2) / (products - 1)
    return float(np.exp(effect - residual_variance / np.sum(h) / 2))


def shares(expenditures: Vector) -> Vector:
    """Scale expenditures to add up to 1."""
    return expenditures / np.sum(expenditures)


def half_harmonic_mean(a: Vector, b: Vector) -> Vector:
    """Half the harmonic mean, ab/(a + b); 0 where both are 0."""
    return a * np.divide(b, a + b, where=a + b > 0, out=np.zeros(len(b)))


def _geometric_mean(relatives: Vector, weights: Vector) -> float:
    return float(np.exp(np.sum(weights * np.log(relatives))))
