"""Decomposition of a GEKS index by product: factors whose product over products is the index, exactly."""

from __future__ import annotations

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame
from ons_bigdata.prices.methods.bilateral.decomposition import bilateral_decomposition, decomposable, matched_weights
from ons_bigdata.prices.methods.panels.price_panel import price_panel

__all__ = ["bilateral_decomposition", "geks_decomposition"]


def geks_decomposition(
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
    """Split the GEKS index between two periods of the quotes into factors of its products, one row per product.

    ln index = mean over link periods k of ln P(k→t) − ln P(k→0), and each ln P is Σ w ln r over matched products: so is
    the index. A product that is in neither of the two periods has the factor 1; one that left or came in between
    them has a share through the link periods. Returns product, log_contribution, factor; the product of the factors is
    the index of `multilateral_index` with geks_`formula` over all periods, exactly.

    Columns and formulas as `bilateral_decomposition`. Raises ValueError as that, and where a link period shares no
    product with one of the two. Source: Webster and Tarnow-Mordi (2019), Decomposing multilateral price indexes into
    the contributions of individual commodities, Journal of Official Statistics 35(2).
    """
    entry = decomposable(formula)
    quotes = eager_frame(quotes, "quotes")
    panel = price_panel(quotes, period=period, product=product, price=price, quantity=quantity, in_order=False)
    base, current = panel.position("base_period", base_period), panel.position("current_period", current_period)
    total = np.zeros(len(panel.products))
    for link in range(len(panel.periods)):
        for end, sign in ((current, 1), (base, -1)):
            weights, relatives, matched = matched_weights(panel, entry, link, end, arithmetic=False)
            if not matched.any():
                message = (
                    f"periods {panel.periods[link]} and {panel.periods[end]} share no product; GEKS needs each pair"
                )
                raise ValueError(message)
            total[matched] += sign * weights * np.log(relatives)
    total /= len(panel.periods)
    names = pl.Series(panel.products, dtype=quotes.schema[product])
    return pl.DataFrame({"product": names, "log_contribution": total, "factor": np.exp(total)})
