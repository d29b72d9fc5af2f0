"""Filters of quotes before an index: dumped products, low sales, extreme relatives. Each row keeps its reason.

A filter marks rows; it removes none. Outliers within a distribution of relatives are in `outliers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    not_positive,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

DUMPED = "dumped"
LOW_SALES = "low_sales"
EXTREME_RELATIVE = "extreme_relative"


def dump_filter(
    quotes: pl.DataFrame,
    *,
    price_limit: float,
    expenditure_limit: float,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
) -> pl.DataFrame:
    """Mark products that are sold off before they end: price and expenditure both fell below limits.

    A row is out where p_t/p_s < `price_limit` and p_t q_t/(p_s q_s) < `expenditure_limit`, s the period before t.
    `quotes`: one row per period and product, price > 0, quantity ≥ 0. Gives the quotes in their order with columns
    `kept` and `reason` ("dumped", or null). A row whose product was not there in the period before is kept.

    Raises ValueError on limits outside of 0 to 1 and on quotes as `relative_filter`. Source: Eurostat (2017), Practical
    guide for processing supermarket scanner data; van Loon and Roels (2018), Integrating big data in the Belgian CPI.
    """
    for name, limit in (("price_limit", price_limit), ("expenditure_limit", expenditure_limit)):
        if not 0 < limit <= 1:
            message = f"{name}: found {limit}, expected above 0, at most 1"
            raise ValueError(message)
    rows = _with_period_before(quotes, period, product, price, quantity)
    value, value_before = pl.col("_price") * pl.col("_quantity"), pl.col("_price_before") * pl.col("_quantity_before")
    dumped = (pl.col("_price") < price_limit * pl.col("_price_before")) & (value < expenditure_limit * value_before)
    return _marked(quotes, rows, dumped, DUMPED)


def low_sales_filter(
    quotes: pl.DataFrame,
    *,
    share_factor: float = 1.25,
    period: str = "period",
    product: str = "product",
    price: str = "price",
    quantity: str = "quantity",
) -> pl.DataFrame:
    """Mark products of little weight: out unless (s_(t−1) + s_t)/2 > 1/(N·λ), over the N products of both periods.

    s: expenditure shares among the products of both periods; λ = `share_factor`. Gives the quotes with `kept` and
    `reason` ("low_sales", or null); a row whose product was not there in the period before is kept.

    Raises ValueError on a factor that is not above 0 and on quotes as `relative_filter`. Source: van der Grient and de
    Haan (2010), The use of supermarket scanner data in the Dutch CPI; λ as there.
    """
    if not share_factor > 0:
        message = f"share_factor: found {share_factor}, expected above 0"
        raise ValueError(message)
    rows = _with_period_before(quotes, period, product, price, quantity)
    matched = pl.col("_price_before").is_not_null()
    value = pl.when(matched).then(pl.col("_price") * pl.col("_quantity"))
    value_before = pl.when(matched).then(pl.col("_price_before") * pl.col("_quantity_before"))
    shares = [one / one.sum().over("_period") for one in (value, value_before)]
    low = ~((shares[0] + shares[1]) / 2 > 1 / (value.count().over("_period") * share_factor))
    return _marked(quotes, rows, low & matched, LOW_SALES)


def relative_filter(
    quotes: pl.DataFrame,
    *,
    factor: float = 3.0,
    period: str = "period",
    product: str = "product",
    price: str = "price",
) -> pl.DataFrame:
    """Mark prices that are more than `factor` times, or less than 1/`factor` of, the product's price one period before.

    Gives the quotes with `kept` and `reason` ("extreme_relative", or null); a row whose product was not there in the
    period before (of the periods of the quotes) is kept. Raises ValueError on a factor that is not above 1, on a
    repeated period and product, and on prices that are not positive and finite.
    Source: ONS (2023), Rail fares and second-hand cars in consumer price statistics (relatives beyond ×3).
    """
    if not factor > 1:
        message = f"factor: found {factor}, expected above 1"
        raise ValueError(message)
    rows = _with_period_before(quotes, period, product, price, None)
    relative = pl.col("_price") / pl.col("_price_before")
    return _marked(quotes, rows, (relative > factor) | (relative < 1 / factor), EXTREME_RELATIVE)


def combined(filtered: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Join the outcomes of independent filters of the same quotes: `kept` by all, `reason` lists those that did not.

    Each frame: the same quotes in the same order, with `kept` and `reason`. Raises ValueError where there is none.
    """
    frames = list(filtered)
    if not frames:
        message = "no filters given"
        raise ValueError(message)
    kept, reasons = (
        pl.DataFrame([frame["kept"].alias(str(n)) for n, frame in enumerate(frames)]),
        pl.DataFrame([frame["reason"].alias(str(n)) for n, frame in enumerate(frames)]),
    )
    reason = reasons.select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).alias("reason"))["reason"]
    return frames[0].with_columns(
        kept=kept.select(pl.all_horizontal(pl.all()).alias("kept"))["kept"],
        reason=pl.when(reason != "").then(reason),
    )


def _with_period_before(
    quotes: pl.DataFrame, period: str, product: str, price: str, quantity: str | None
) -> pl.DataFrame:
    """Put the product's price and quantity of the period before beside each row, null where it was not there."""
    refuse_missing_columns(quotes, (period, product, price, *([quantity] if quantity else [])), "quotes")
    refuse_no_numbers(quotes, [price, *([quantity] if quantity else [])], "quotes")
    amount = pl.lit(1.0) if quantity is None else pl.col(quantity).cast(pl.Float64)
    rows = quotes.select(
        _period=pl.col(period), _product=pl.col(product), _price=pl.col(price).cast(pl.Float64), _quantity=amount
    )
    bounded = pl.col("_quantity").is_finite() & (pl.col("_quantity") >= 0)
    faults = {
        "a null in its key": pl.any_horizontal(pl.col("_period", "_product").is_null()),
        "a product that occurs before in the period": pl.struct("_period", "_product").is_duplicated(),
        "a price that is not positive and finite": not_positive("_price"),
        "a quantity that is null, not finite or below 0": ~bounded.fill_null(value=False),
    }
    refuse_rows("quotes", rows, faults)
    ordered = rows["_period"].unique().sort()
    before = pl.DataFrame({"_period": ordered[1:], "_of": ordered[:-1]})
    earlier = rows.select("_product", _of="_period", _price_before="_price", _quantity_before="_quantity")
    joined = rows.join(before, on="_period", how="left", maintain_order="left")
    return joined.join(earlier, on=["_of", "_product"], how="left", maintain_order="left")


def _marked(quotes: pl.DataFrame, rows: pl.DataFrame, out: pl.Expr, reason: str) -> pl.DataFrame:
    flags = rows.select(out.fill_null(value=False).alias("out"))["out"]
    return quotes.with_columns(kept=~flags, reason=pl.when(flags).then(pl.lit(reason)))
