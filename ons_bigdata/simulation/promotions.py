"""Expressions for unit prices and offers, as the simulated shops calculate and word them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

PER = {"g": (100, "g", 100), "ml": (1, "l", 1000), "each": (1, "each", 1)}
"""Measure → unit of the unit price as number and word, and its size in the measure."""

MULTIBUY_LEVEL, LOYALTY_LEVEL = 0.85, 0.88
"""Price of one product in a multibuy, and price for holders of a card, as a share of the regular price."""


def in_pounds(pence: pl.Expr) -> pl.Expr:
    """Whole pence as text, £1.05."""
    return pl.format("£{}.{}", pence // 100, (pence % 100).cast(pl.String).str.zfill(2))


def pounds(pence: pl.Expr) -> pl.Expr:
    """Pence as pounds, rounded to the nearest double: polars divides by multiplying, which can be one bit off."""
    return in_pounds(pence).str.strip_prefix("£").cast(pl.Float64)


def by_measure(table: Mapping[str, tuple[str | int, ...]], position: int) -> pl.Expr:
    """Value of the column `measure` in a table of tuples."""
    return pl.col("measure").replace_strict({measure: row[position] for measure, row in table.items()})


def unit_price() -> pl.Expr:
    """GBP per unit of PER as shown, to four decimals."""
    exact = pounds(pl.col("price_pence")) * by_measure(PER, 2) / pl.col("quantity")
    return (exact * pl.col("unit_price_factor")).round(4)


def on_sale() -> pl.Expr:
    """True if the price is below the regular price."""
    return pl.col("price_pence") < pl.col("regular_pence")


def sale_text() -> pl.Expr:
    """Text of a sale in each retailer's wording; null without a sale."""
    was, now = pl.col("regular_pence"), pl.col("price_pence")
    saved = was - now
    save = pl.when(saved < 100).then(pl.format("{}p", saved)).otherwise(in_pounds(saved))
    text = (
        pl.when(pl.col("retailer") == "sim-birch")
        .then(pl.format("Only {}: Save {}", in_pounds(now), save))
        .when(pl.col("retailer") == "sim-cedar")
        .then(pl.format("{}% Off", (100 * saved / was).round().cast(pl.Int64)))
        .otherwise(pl.format("Save {} Was {} Now {}", save, in_pounds(was), in_pounds(now)))
    )
    return pl.when(on_sale()).then(text)


def multibuy_text() -> pl.Expr:
    """`3 for £5.00` or `Any 2 for £3.00`; null without a multibuy or during a sale."""
    total = (pl.col("multibuy") * pl.col("regular_pence") * MULTIBUY_LEVEL / 5).round().cast(pl.Int64) * 5
    words = pl.when(pl.col("multibuy") == 2).then(pl.lit("Any 2 for ")).otherwise(pl.lit("3 for "))
    return pl.when((pl.col("multibuy") > 1) & ~on_sale()).then(words + in_pounds(total))


def loyalty_pence() -> pl.Expr:
    """Price for holders of a card in pence; null without such a price or during a sale."""
    price = (pl.col("regular_pence") * LOYALTY_LEVEL / 5).round().cast(pl.Int64) * 5
    return pl.when(pl.col("has_loyalty_price") & ~on_sale()).then(price)
