"""Decomposition of a bilateral index by product: contributions that add up, factors that multiply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.bilateral.product_weights import arithmetic_weights, geometric_weights
from ons_bigdata.prices.methods.bilateral.registry import ALIASES, DECOMPOSABLE, GEKS_ALIASES, REGISTER, Formula
from ons_bigdata.prices.methods.panels.price_panel import PricePanel, price_panel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]


def bilateral_contributions(
    quotes: pl.DataFrame | pl.LazyFrame,
    formula: str,
    base_period: object,
    current_period: object,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
) -> pl.DataFrame:
    """Split the change of a bilateral index into contributions of its products, which add up to P − 1 exactly.

    One row per product of both periods, sorted: product, weight (w with P = Σwr and Σw = 1), relative (r = p1/p0),
    contribution = w(r − 1), a share of the base level (0.01 = one per cent). Of the Fisher w are the cost shares of the
    basket q0 + q1/Q (van IJzeren); of the Törnqvist and other geometric formulas the weights are transmuted by
    logarithmic means.

    `formula`: one of `DECOMPOSABLE`. Columns as `bilateral_index`. No rows where the periods share no product.
    Raises ValueError on an unknown formula or period, on missing quantities, and as `price_panel`.
    Source: Balk (2008), Price and Quantity Index Numbers, chapter 4; Reinsdorf, Diewert and Ehemann (2002), Additive
    decompositions for Fisher, Törnqvist and geometric mean indexes, J. Econ. Soc. Meas. 28.
    """
    columns = {"period": period, "product": product, "price": price, "quantity": quantity}
    table = _weighted_relatives(quotes, formula, (base_period, current_period), columns, arithmetic=True)
    return table.with_columns(contribution=pl.col("weight") * (pl.col("relative") - 1))


def bilateral_decomposition(
    quotes: pl.DataFrame | pl.LazyFrame,
    formula: str,
    base_period: object,
    current_period: object,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str | None = None,
) -> pl.DataFrame:
    """Split a bilateral index into factors of its products, whose product is the index exactly.

    One row per product of both periods, sorted: product, weight (w with ln P = Σ w ln r and Σw = 1), relative (r),
    factor = r^w.

    Formulas, columns, errors and source as `bilateral_contributions`.
    """
    columns = {"period": period, "product": product, "price": price, "quantity": quantity}
    table = _weighted_relatives(quotes, formula, (base_period, current_period), columns, arithmetic=False)
    return table.with_columns(factor=(pl.col("weight") * pl.col("relative").log()).exp())


def decomposable(formula: str) -> Formula:
    """Entry of a formula whose index is a mean of relatives. Raises ValueError on another; lists the known ones."""
    refuse_unknown("formula of a decomposition by product", formula, DECOMPOSABLE, aliases=ALIASES | GEKS_ALIASES)
    return REGISTER[formula]


def matched_weights(
    panel: PricePanel, formula: Formula, base: int, current: int, *, arithmetic: bool
) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """Weights and relatives of the products of two periods (rows of the panel), and the mask of these products.

    Raises ValueError where the formula needs quantities and the panel has none.
    """
    if panel.quantities is None and formula.takes != "prices":
        message = f"{formula.name}: no quantities; expected a quantity column"
        raise ValueError(message)
    matched = panel.presence[base] & panel.presence[current]
    p0, p1 = panel.prices[base, matched], panel.prices[current, matched]
    q0, q1 = (
        (np.ones(len(p0)), np.ones(len(p0)))
        if panel.quantities is None
        else (panel.quantities[base, matched], panel.quantities[current, matched])
    )
    if not matched.any():
        return p0, p1, matched
    weights = (arithmetic_weights if arithmetic else geometric_weights)(formula, p0, p1, q0, q1)
    return weights, p1 / p0, matched


def _weighted_relatives(
    quotes: pl.DataFrame | pl.LazyFrame,
    formula: str,
    periods: tuple[object, object],
    columns: dict[str, Any],
    *,
    arithmetic: bool,
) -> pl.DataFrame:
    """Product, weight and relative of the products of the base and the current period."""
    entry = decomposable(formula)
    quotes = eager_frame(quotes, "quotes")
    panel = price_panel(quotes, **columns, in_order=False)
    rows = (panel.position(name, at) for name, at in zip(("base_period", "current_period"), periods, strict=True))
    weights, relatives, matched = matched_weights(panel, entry, *rows, arithmetic=arithmetic)
    products = pl.Series(panel.products, dtype=quotes.schema[columns["product"]]).filter(pl.Series(matched))
    return pl.DataFrame({"product": products, "weight": weights, "relative": relatives})
