"""Retrospective price indices: of periods without quantities between two periods that have them."""

from __future__ import annotations

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame
from ons_bigdata.prices.methods.bilateral import weighted
from ons_bigdata.prices.methods.panels.price_panel import price_panel


def retrospective_index(
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
) -> pl.DataFrame:
    """Compute the Diewert-Huwiler-Kohli-Hansen index from the first period 0 to each period up to the last, T.

    √(Σs0 p_t/p_0 · 1/ΣsT p_0/p_t): the Laspeyres index with the shares of 0, over the products of 0 and t, and the
    harmonic one with the shares of T, over those of 0, t and T. In T it is the Fisher index.

    `quotes`: one row per period and product; of the quantities only those of the first and the last period enter, the
    rest only mark a product as present. Returns period, index (1 in the first), reason (null unless index is).
    Raises ValueError as `price_panel`. Source: Diewert, Huwiler and Kohli (2009), Retrospective approximations of
    superlative price indexes for years where expenditure data is unavailable; Hansen (2007), Recalculations of the
    Danish CPI 1996-2006; compared in von Auer (2024), Review of Income and Wealth 70(1).
    """
    quotes = eager_frame(quotes, "quotes")
    panel = price_panel(quotes, period=period, product=product, price=price, quantity=quantity)
    p, q, present = panel.prices, panel.quantities, panel.presence
    index: list[float | None] = []
    reasons: list[str | None] = []
    for t, name in enumerate(panel.periods):
        both, all_three = present[0] & present[t], present[0] & present[t] & present[-1]
        if q is None or not all_three.any():
            index.append(None)
            reasons.append(f"no product is present in {panel.periods[0]}, {name} and {panel.periods[-1]}")
            continue
        base = weighted.laspeyres(p[0, both], p[t, both], q[0, both], q[t, both])
        ends = (p[-1] * q[-1])[all_three]
        current = 1 / weighted.young(p[t, all_three], p[0, all_three], ends)
        index.append(1.0 if t == 0 else float(np.sqrt(base * current)))
        reasons.append(None)
    return pl.DataFrame(
        {
            "period": pl.Series(panel.periods, dtype=quotes.schema[period]),
            "index": pl.Series(index, dtype=pl.Float64),
            "reason": pl.Series(reasons, dtype=pl.String),
        }
    )
