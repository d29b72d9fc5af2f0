"""Axioms that the elementary indices of a recipe must satisfy, tested on constructed or given quotes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.prices.methods.bilateral.axioms import axioms_violated
from ons_bigdata.prices.methods.panels.input_checks import instance_of, whole_number
from ons_bigdata.prices.methods.recipes.catalogue import Recipe, RecipeOutput
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, shelf_clusters, stratum_form
from ons_bigdata.prices.methods.recipes.figures import index_figures, origin_panels
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.methods.recipes.panels import UNDECIDED, Periods, Stratum, recipe_periods
from ons_bigdata.prices.methods.recipes.tree import TreeWeights

if TYPE_CHECKING:
    from ons_bigdata.prices.methods.recipes.figures import OriginPanels

ALWAYS = ("identity", "direction", "order_of_rows")
"""Axioms that every formula satisfies on products with a quote in every period."""

_QUOTES = ["period", "product", "price"]

_FIRST_DAY = date(2018, 1, 1)
"""A Monday that begins a month."""

_BASE_DAYS, _DAYS = 31, 120
"""Days of the first month, and of four: weekly windows of up to 13 weeks fill and are spliced."""

_TOLERANCE = 1e-9


def recipe_axioms_violated(quotes: pl.DataFrame, output: RecipeOutput, *, item_number: int) -> pl.DataFrame:
    """List where an output of a recipe breaks an axiom on the quotes of one retailer and item.

    `quotes`: period (all periods of the output's calendar that have quotes), product, price > 0, one row per period and
    product, and for unit prices pack_size. Of formulas that break the axioms where products enter and leave
    (docs/prices/indices/axioms.md) only products with quotes in all periods are used. Returns the rows of
    `bilateral.axioms.axioms_violated`; none where there is nothing to compare.
    """
    instance_of("output", output, RecipeOutput)
    item_number = whole_number("item_number", item_number, least=0)
    quotes = eager_frame(quotes, "quotes")
    refuse_missing_columns(quotes, _QUOTES, "quotes")
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


def constructed_axioms_violated(output: RecipeOutput, *, item_number: int) -> pl.DataFrame:
    """List where an output of a recipe breaks an axiom on `constructed_quotes`; no collected quote takes part.

    Returns the rows of `recipe_axioms_violated`.
    """
    instance_of("output", output, RecipeOutput)
    return recipe_axioms_violated(constructed_quotes(output.frequency), output, item_number=item_number)


def constructed_quotes(frequency: str) -> pl.DataFrame:
    """Quotes of one retailer and item over six periods: five products throughout, one that leaves, one that enters.

    Prices lie between 0.9 and 8 GBP and change by less than a quarter between periods. Columns: period, product,
    price, pack_size.
    """
    step = {"daily": "d", "weekly": "w", "monthly": "mo"}[frequency]
    rows = [
        (f"{t}{step}", f"PRODUCT {n}", (n + 1) * (1 + ((3 * t + 5 * n) % 7 - 3) / 30), 0.25 * (n % 3 + 1))
        for t in range(6)
        for n in range(7)
        if not (n == 5 and t > 2) and not (n == 6 and t < 2)
    ]
    quotes = pl.DataFrame(rows, schema=["after", "product", "price", "pack_size"], orient="row")
    return quotes.select(
        pl.lit(_FIRST_DAY).dt.offset_by(pl.col("after")).alias("period"), "product", "price", "pack_size"
    )


def figures_off_known_change(recipe: Recipe, *, item_number: int) -> pl.DataFrame:
    """List the figures of a recipe that miss the known change of constructed quotes, from quotes to divisions.

    Four products at each of two retailers over `_DAYS` days change by one common factor, which is 1 in the first month
    (the base of every recipe) and then differs by day. Every index is 100 times the mean factor of the days of its
    period that count, at each level; an index that is inverted anywhere between the quotes and the division misses it.

    Returns level, code, method, period, expected and index (null where there is no figure), one row per figure that is
    off by more than a billionth. Raises ValueError as `index_figures` does.
    """
    instance_of("recipe", recipe, Recipe)
    item_number = whole_number("item_number", item_number, least=0)
    days = [_FIRST_DAY + timedelta(days=n) for n in range(_DAYS)]
    factors = [1.0 if n < _BASE_DAYS else 1.0 + (n * 3 % 7) / 10 for n in range(_DAYS)]
    panels = _panels_of_common_change(item_number, days, factors)
    figures = index_figures(panels, [replace(recipe, seasonal=None)], scopes=["shelf"]).aggregates
    expected = pl.concat([_known_index(output, days, factors) for output in recipe.outputs])
    levels = pl.DataFrame({"level": ["item", "class", "division"], "code": [str(item_number), "01.1.1", "01"]})
    both = levels.join(expected, how="cross").join(figures, on=["level", "code", "method", "period"], how="left")
    is_off = (~((pl.col("index") / pl.col("expected") - 1).abs() <= _TOLERANCE)).fill_null(value=True)
    return both.filter(is_off).select("level", "code", "method", "period", "expected", "index")


def _panels_of_common_change(item_number: int, days: list[date], factors: list[float]) -> OriginPanels:
    """Panels of two retailers' quotes of one item, whose prices on each day are multiples of the day's factor."""
    quotes = pl.DataFrame(
        [
            ("simulated", retailer, item_number, f"PRODUCT {n}", day, (n + 1.0) * factor, None)
            for retailer in ("first", "second")
            for day, factor in zip(days, factors, strict=True)
            for n in range(4)
        ],
        schema={
            "data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
            "collected_on": pl.Date, "price_gbp": pl.Float64, "in_scope": pl.Boolean,
        },
        orient="row",
    )  # fmt: skip
    return origin_panels(
        quotes,
        data_origin="simulated",
        pack_sizes=quotes.select("retailer", "item_number", "product").unique().with_columns(pack_size=pl.lit(0.5)),
        rejected=quotes.clear().select("retailer", "item_number", "collected_on"),
        weights=TreeWeights(
            pl.DataFrame({"retailer": ["first", "second"], "item_number": [item_number] * 2, "weight": [1.0, 3.0]}),
            pl.DataFrame({"item_number": [item_number], "class_code": ["01.1.1"], "weight": [1.0]}),
            pl.DataFrame({"class_code": ["01.1.1"], "division_code": ["01"], "weight": [1.0]}),
        ),
        week=(days[0], days[6]),
    )


def _known_index(output: RecipeOutput, days: list[date], factors: list[float]) -> pl.DataFrame:
    """Index of an output on quotes that all change by the factors: 100 times the mean factor of a period's days."""
    periods = recipe_periods(days, output.frequency, output.days, (days[0], days[6]))
    means, _ = periods.means(np.array(factors)[:, None])
    return pl.DataFrame({"method": output.method, "period": periods.starts, "expected": 100 * means[:, 0]})


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
    sizes = np.array([known.get(product) for product in products], dtype=np.float64)
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
