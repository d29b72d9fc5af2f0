"""Indicators: the change of a value between two periods as a sum of a price and a quantity change, in money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_unknown
from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean
from ons_bigdata.prices.methods.panels.price_panel import Duplicates, PricePanel, price_panel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

COMPARISONS = ("fixed_base", "previous_period")
SAMPLES = ("matched", "all")


def _bennet(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> tuple[Vector, Vector]:
    return (q0 + q1) / 2 * (p1 - p0), (p0 + p1) / 2 * (q1 - q0)


def _montgomery(p0: Vector, p1: Vector, q0: Vector, q1: Vector) -> tuple[Vector, Vector]:
    mean = logarithmic_mean(p1 * q1, p0 * q0)
    return mean * np.log(p1 / p0), mean * np.log(q1 / q0)


_PARTS: dict[str, Callable[[Vector, Vector, Vector, Vector], tuple[Vector, Vector]]] = {
    "bennet": _bennet,
    "montgomery": _montgomery,
}
INDICATORS = tuple(_PARTS)


def bilateral_indicator(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    formula: str,
    comparison: str = "fixed_base",
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
    base_period: object = None,
    calendar: Sequence[Any] | pl.Series | None = None,
    sample: str = "matched",
    duplicates: Duplicates = "error",
) -> pl.DataFrame:
    """Compute a price and a quantity indicator over the periods of the quotes; both in money, 0 in the base.

    "bennet": Σ ½(q0 + q1)(p1 − p0) and Σ ½(p0 + p1)(q1 − q0). "montgomery": Σ L(v1, v0) ln(p1/p0) and
    Σ L(v1, v0) ln(q1/q0), v = pq, L the logarithmic mean. Either way the two add up to the change of value, exactly.

    `quotes`: one row per period and product, price and quantity > 0. `comparison`: "fixed_base" (against
    `base_period`, the first unless given) or "previous_period". `sample`: "matched", the products of both periods;
    "all": products of one period only count, too, their value half as price and half as quantity (the Bennet
    indicator with a price and a quantity of 0 in the other period). `calendar`, `duplicates`: as `bilateral_index`.
    Returns one row per period: period, value_change, price_indicator, quantity_indicator, reason (null unless the
    figures are).

    Raises ValueError on unknown options, lists the known ones, and as `price_panel`. Source: ILO et al., Consumer Price
    Index Manual: Theory and Practice (2004), appendix 16.1 (indicators); Bennet (1920), The theory of measurement of
    changes in cost of living, J. R. Statist. Soc. 83; Montgomery (1937), The mathematical problem of the price index;
    Diewert (2005), Index number theory using differences rather than ratios, Am. J. Econ. Sociol. 64.
    """
    refuse_unknown("indicator", formula, INDICATORS)
    refuse_unknown("comparison", comparison, COMPARISONS)
    refuse_unknown("sample", sample, SAMPLES)
    refuse_unknown("duplicates", duplicates, ("error", "unit_value"))
    if comparison == "previous_period" and base_period is not None:
        message = f"base_period is {base_period!r}, expected None: comparison previous_period has no base"
        raise ValueError(message)
    quotes = eager_frame(quotes, "quotes")
    panel = price_panel(
        quotes, period=period, product=product, price=price, quantity=quantity, duplicates=duplicates,
        calendar=calendar, with_gaps=comparison != "fixed_base",
    )  # fmt: skip
    base = panel.position("base_period", base_period) if base_period is not None else 0
    rows: list[tuple[float | str | None, ...]] = []
    for t in range(len(panel.periods)):
        s = base if comparison == "fixed_base" else max(t - 1, 0)
        empty = [panel.periods[k] for k in (s, t) if not panel.presence[k].any()]
        matched = panel.presence[s] & panel.presence[t]
        if empty or not matched.any():
            reason = f"no product is present in {empty[0] if empty else f'{panel.periods[s]} and {panel.periods[t]}'}"
            rows.append((None, None, None, reason))
            continue
        parts = _parts(panel, formula, s, t, sample)
        rows.append((*(float(part.sum()) for part in (parts[0] + parts[1], *parts)), None))
    schema = {
        "value_change": pl.Float64,
        "price_indicator": pl.Float64,
        "quantity_indicator": pl.Float64,
        "reason": pl.String,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.insert_column(0, pl.Series("period", panel.periods, dtype=quotes.schema[period]))


def indicator_contributions(  # noqa: PLR0913 (every choice has its name)
    quotes: pl.DataFrame | pl.LazyFrame,
    formula: str,
    base_period: object,
    current_period: object,
    *,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
    sample: str = "matched",
    duplicates: Duplicates = "error",
) -> pl.DataFrame:
    """Split the indicators between two periods by product: product, value_change, price_ and quantity_contribution.

    One row per product of the sample, sorted; in money. The two contributions add up to the product's value_change, and
    over products to the figures of `bilateral_indicator`, whose options, errors and sources these are.
    """
    refuse_unknown("indicator", formula, INDICATORS)
    refuse_unknown("sample", sample, SAMPLES)
    quotes = eager_frame(quotes, "quotes")
    panel = price_panel(
        quotes, period=period, product=product, price=price, quantity=quantity, duplicates=duplicates, in_order=False
    )
    base, current = panel.position("base_period", base_period), panel.position("current_period", current_period)
    chosen = panel.presence[base] & panel.presence[current]
    if sample == "all":
        chosen = panel.presence[base] | panel.presence[current]
    prices, quantities = (part[chosen] for part in _parts(panel, formula, base, current, sample))
    names = pl.Series(panel.products, dtype=quotes.schema[product]).filter(pl.Series(chosen))
    return pl.DataFrame(
        {
            "product": names,
            "value_change": prices + quantities,
            "price_contribution": prices,
            "quantity_contribution": quantities,
        }
    )


def _parts(panel: PricePanel, formula: str, base: int, current: int, sample: str) -> tuple[Vector, Vector]:
    """Price and quantity change of every product of the panel; 0 outside of the sample."""
    p, present = panel.prices, panel.presence
    q = panel.quantities if panel.quantities is not None else np.zeros_like(p)
    prices, quantities = np.zeros(p.shape[1]), np.zeros(p.shape[1])
    matched = present[base] & present[current]
    prices[matched], quantities[matched] = _PARTS[formula](
        p[base, matched], p[current, matched], q[base, matched], q[current, matched]
    )
    if sample == "all":
        alone = present[base] ^ present[current]
        halves = (p[current] * q[current] - p[base] * q[base])[alone] / 2
        prices[alone] = quantities[alone] = halves
    return prices, quantities
