"""Prices, unit prices and offers as columns of text, in the words of the simulated shops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

PER = {"g": (100, "g", 100), "ml": (1, "l", 1000), "each": (1, "each", 1)}
"""For each measure: number and word of the unit of the unit price, and the unit in the measure."""

MULTIBUY_LEVEL, LOYALTY_LEVEL = 0.85, 0.88
"""Price of one in an offer, and to holders of a card, as a share of the regular price."""


def in_pounds(pence: pl.Expr) -> pl.Expr:
    """Write whole pence as £1.05."""
    return pl.format("£{}.{}", pence // 100, (pence % 100).cast(pl.String).str.zfill(2))


def pounds(pence: pl.Expr) -> pl.Expr:
    """Return the nearest double; polars divides a column by multiplying, which misses it by a bit."""
    return in_pounds(pence).str.strip_prefix("£").cast(pl.Float64)


def by_measure(table: Mapping[str, tuple[str | int, ...]], position: int) -> pl.Expr:
    """Look a column `measure` up in a table."""
    return pl.col("measure").replace_strict({measure: row[position] for measure, row in table.items()})


def unit_price() -> pl.Expr:
    """Return GBP per unit of PER as the shop shows it, to four decimals."""
    exact = pounds(pl.col("price_pence")) * by_measure(PER, 2) / pl.col("quantity")
    return (exact * pl.col("unit_price_factor")).round(4)


def on_sale() -> pl.Expr:
    """Say whether the price is below the regular one."""
    return pl.col("price_pence") < pl.col("regular_pence")


def sale_text() -> pl.Expr:
    """Write what a sale is called, in the words of each retailer; null where there is none."""
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
    """Write `3 for £5.00` or `Any 2 for £3.00`; null where there is no such offer or the product is on sale."""
    total = (pl.col("multibuy") * pl.col("regular_pence") * MULTIBUY_LEVEL / 5).round().cast(pl.Int64) * 5
    words = pl.when(pl.col("multibuy") == 2).then(pl.lit("Any 2 for ")).otherwise(pl.lit("3 for "))
    return pl.when((pl.col("multibuy") > 1) & ~on_sale()).then(words + in_pounds(total))


def loyalty_pence() -> pl.Expr:
    """Return the price to holders of a card in pence; null where there is none or the product is on sale."""
    price = (pl.col("regular_pence") * LOYALTY_LEVEL / 5).round().cast(pl.Int64) * 5
    return pl.when(pl.col("has_loyalty_price") & ~on_sale()).then(price)
