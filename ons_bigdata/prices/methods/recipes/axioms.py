"""Axioms that the elementary indices of a recipe must satisfy, tested on quotes before publication."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.bilateral.axioms import axioms_violated
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, shelf_clusters, stratum_form
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.panels import UNDECIDED, Periods, Stratum

if TYPE_CHECKING:
    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput

ALWAYS = ("identity", "direction", "order_of_rows")
"""Axioms that every formula satisfies on products with a quote in every period."""

_QUOTES = ["period", "product", "price"]


def recipe_axioms_violated(quotes: pl.DataFrame, output: RecipeOutput, *, item_number: int) -> pl.DataFrame:
    """List where an output of a recipe breaks an axiom on the quotes of one retailer and item.

    `quotes`: period (all periods of the output's calendar that have quotes), product, price > 0, one row per period and
    product, and for unit prices pack_size. Of formulas that break the axioms where products enter and leave
    (docs/prices/indices/axioms.md) only products with quotes in all periods are used. Returns the rows of
    `bilateral.axioms.axioms_violated`; none where there is nothing to compare.
    """
    formula = FORMULAS[output.formula]
    if formula.per_pack_size:
        quotes = quotes.filter(pl.col("pack_size") > 0) if "pack_size" in quotes.columns else quotes.clear()
    taken = quotes if formula.keeps_with_gaps else _in_all_periods(quotes)
    if taken["period"].n_unique() < 2:
        return axioms_violated(_null_index, taken.head(0).select(_QUOTES), axioms=())
    sizes = taken.select("product", "pack_size").unique() if "pack_size" in taken.columns else None

    # The axioms multiply all prices by 2.5, which a filter of large relatives rightly rejects as an error.
    unfiltered = replace(output, relative_limit=None)

    def index(rows: pl.DataFrame) -> pl.DataFrame:
        return _output_index(rows, unfiltered, item_number, sizes)

    return axioms_violated(index, taken.select(_QUOTES), axioms=ALWAYS)


def _null_index(quotes: pl.DataFrame) -> pl.DataFrame:
    """Index without any quotes."""
    return quotes.select("period", index=pl.lit(None, pl.Float64))


def _in_all_periods(quotes: pl.DataFrame) -> pl.DataFrame:
    return quotes.filter(pl.len().over("product") == pl.col("period").n_unique())


def _output_index(
    quotes: pl.DataFrame, output: RecipeOutput, item_number: int, pack_sizes: pl.DataFrame | None
) -> pl.DataFrame:
    """Compute the output for the given periods: period, index (1 in the first)."""
    starts = quotes["period"].unique().sort().to_list()
    products = quotes["product"].unique().sort().to_list()
    rows = quotes["period"].replace_strict(starts, range(len(starts)), return_dtype=pl.Int64).to_numpy()
    columns = quotes["product"].replace_strict(products, range(len(products)), return_dtype=pl.Int64).to_numpy()
    prices = np.zeros((len(starts), len(products)))
    prices[rows, columns] = quotes["price"].to_numpy()
    known = {} if pack_sizes is None else dict(pack_sizes.iter_rows())
    sizes = np.array([known.get(product) or np.nan for product in products], dtype=np.float64)
    stratum = Stratum(
        "retailer", item_number, [str(one) for one in products], prices, np.full(prices.shape, UNDECIDED), sizes
    )
    order = np.arange(len(starts))
    periods = Periods(output.frequency, starts, order, order == 0, str(starts[0]))
    clusters = shelf_clusters(stratum, periods, output)
    index = elementary_index(stratum_form(stratum, prices, output, periods, clusters))
    # Indices of two segments have no common scale.
    relative = np.where(index.segments == index.segments[0], index.indices / index.indices[0], np.nan)
    return pl.DataFrame(
        {"period": pl.Series(starts, dtype=quotes.schema["period"]), "index": pl.Series(relative, nan_to_null=True)}
    )
