"""Multiplicative decomposition by product: factors whose product over products is the index, exactly.

Of bilateral indices between two periods and of GEKS indices. Additive contributions are in `contributions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.bilateral.weighted import half_harmonic_mean, shares
from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown
from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean
from ons_bigdata.prices.methods.panels.price_panel import PricePanel, price_panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Vector = NDArray[np.float64]


def _basket(p0: Vector, p1: Vector, basket: Vector) -> Vector:
    """Weigh the log relatives of a ratio of costs: ln Σp1b/Σp0b = Σw ln r, w = L(p1b, p0b)/L(Σp1b, Σp0b)."""
    v0, v1 = p0 * basket, p1 * basket
    return logarithmic_mean(v1, v0) / logarithmic_mean(v1.sum(), v0.sum())


def _sato_vartia(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    return shares(logarithmic_mean(shares(p1 * q1), shares(p0 * q0)))


def _harmonic_shares(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    return shares(half_harmonic_mean(shares(p0 * q0), shares(p1 * q1)))


_WEIGHTS: dict[str, Callable[[Vector, Vector, Vector, Vector], Vector]] = {
    "jevons": lambda p0, _p1, _q0, _q1: np.full(len(p0), 1 / len(p0)),
    "dutot": lambda p0, p1, _q0, _q1: _basket(p0, p1, np.ones(len(p0))),
    "laspeyres": lambda p0, p1, q0, _q1: _basket(p0, p1, q0),
    "paasche": lambda p0, p1, _q0, q1: _basket(p0, p1, q1),
    "fisher": lambda p0, p1, q0, q1: (_basket(p0, p1, q0) + _basket(p0, p1, q1)) / 2,
    "walsh": lambda p0, p1, q0, q1: _basket(p0, p1, np.sqrt(q0) * np.sqrt(q1)),
    "marshall_edgeworth": lambda p0, p1, q0, q1: _basket(p0, p1, q0 + q1),
    "geary_khamis": lambda p0, p1, q0, q1: _basket(p0, p1, half_harmonic_mean(q0, q1)),
    "geometric_laspeyres": lambda p0, _p1, q0, _q1: shares(p0 * q0),
    "geometric_paasche": lambda _p0, p1, _q0, q1: shares(p1 * q1),
    "tornqvist": lambda p0, p1, q0, q1: (shares(p0 * q0) + shares(p1 * q1)) / 2,
    "sato_vartia": _sato_vartia,
    "time_product_dummy": _harmonic_shares,
}

FORMULAS = tuple(_WEIGHTS)
"""Formulas whose logarithm is a weighted sum of log relatives: geometric ones, and ratios of costs by log means."""


def log_weights(formula: str, p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> Vector:
    """Give the weights w with which ln P = Σ w ln(p1/p0), for the prices and quantities of matched products.

    Raises ValueError on a formula that has none, which lists those that have.
    Source: of geometric formulas, their definition; of ratios of costs, Balk (2008), Price and Quantity Index Numbers,
    chapter 4.
    """
    refuse_unknown("formula of a multiplicative decomposition", formula, FORMULAS)
    return _WEIGHTS[formula](p0, p1, q0, q1)


def bilateral_decomposition(
    quotes: pl.DataFrame,
    formula: str,
    base_period: object,
    current_period: object,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
) -> pl.DataFrame:
    """Split a bilateral index into factors of its products: product, weight, relative, factor = relative^weight.

    Over the products of both periods; the product of the factors is `bilateral_index` of the same formula, exactly.
    Columns as there; formulas: `FORMULAS`. No rows where the periods share no product. Raises ValueError on a period
    that is not in the quotes, and as `log_weights` and `price_panel`.
    """
    panel = price_panel(quotes, period=period, product=product, price=price, quantity=quantity)
    base, current = (_position(panel, one) for one in (base_period, current_period))
    matched = panel.presence[base] & panel.presence[current]
    weights, logs = _pair(panel, formula, base, current)
    names = pl.Series(panel.products, dtype=quotes.schema[product]).filter(pl.Series(matched))
    table = pl.DataFrame({"product": names, "weight": weights[matched], "relative": np.exp(logs[matched])})
    return table.with_columns(factor=pl.Series(np.exp((weights * logs)[matched])))


def geks_decomposition(
    quotes: pl.DataFrame,
    formula: str,
    base_period: object,
    current_period: object,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
) -> pl.DataFrame:
    """Split the GEKS index between two periods of the quotes into factors of its products, one row per product.

    ln index = mean over link periods k of ln P(k→t) − ln P(k→0), and each ln P is Σ w ln r over matched products: so is
    the index. A product that is in neither of the two periods has the factor 1; one that left or came in between
    them has a share through the link periods. Gives product, log_contribution, factor; the product of the factors is
    the index of `multilateral_index` with geks_`formula` over all periods, exactly.

    Columns as there; formulas: `FORMULAS`. Raises ValueError as `bilateral_decomposition`, and where a link period
    shares no product with one of the two. Source: Webster and Tarnow-Mordi (2019), Decomposing multilateral price
    indexes into the contributions of individual commodities, Journal of Official Statistics 35(2).
    """
    panel = price_panel(quotes, period=period, product=product, price=price, quantity=quantity)
    base, current = (_position(panel, one) for one in (base_period, current_period))
    total = np.zeros(len(panel.products))
    for link in range(len(panel.periods)):
        for end, sign in ((current, 1), (base, -1)):
            weights, logs = _pair(panel, formula, link, end)
            if not weights.any():
                message = (
                    f"periods {panel.periods[link]} and {panel.periods[end]} share no product; GEKS needs each pair"
                )
                raise ValueError(message)
            total += sign * weights * logs
    total /= len(panel.periods)
    names = pl.Series(panel.products, dtype=quotes.schema[product])
    return pl.DataFrame({"product": names, "log_contribution": total, "factor": np.exp(total)})


def _position(panel: PricePanel, one: object) -> int:
    if one not in panel.periods:
        message = f"period {one!r} is not in the quotes; found {len(panel.periods)} periods"
        raise ValueError(message)
    return panel.periods.index(one)


def _pair(panel: PricePanel, formula: str, base: int, current: int) -> tuple[Vector, Vector]:
    """Give weights and log relatives of all products, 0 where a product is not in both periods."""
    matched = panel.presence[base] & panel.presence[current]
    weights, logs = np.zeros(len(matched)), np.zeros(len(matched))
    if matched.any():
        p0, p1 = panel.prices[base, matched], panel.prices[current, matched]
        amounts = np.ones_like(panel.prices) if panel.quantities is None else panel.quantities
        if panel.quantities is None and formula not in ("jevons", "dutot"):
            message = f"{formula}: no quantities; expected a quantity column"
            raise ValueError(message)
        weights[matched] = log_weights(formula, p0, p1, amounts[base, matched], amounts[current, matched])
        logs[matched] = np.log(p1 / p0)
    return weights, logs
