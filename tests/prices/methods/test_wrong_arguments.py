"""Wrong arguments of every public function: each gives a result or a ValueError, never another exception."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ons_bigdata.prices.methods import (
    aggregation,
    bilateral,
    comparison,
    multilateral,
    panels,
    quality,
    recipes,
    scope,
)
from ons_bigdata.prices.methods.comparison.source_matching import PRODUCTS
from ons_bigdata.prices.schemas.quality import EnteringQuote, PlacedProduct, ProductListing

PACKAGES = (aggregation, bilateral, comparison, multilateral, panels, quality, recipes, scope)
READERS_OF_PERIODS = {"december_january_links", "months_of", "period_calendar"}
"""Functions of periods alone, whose arguments are tested in `test_period_calendar.py`."""
RESULTS = {"IndexDiagnosis", "IndexFigures", "OriginPanels", "PricePanel", "ScopeModel", "TreeWeights"}
"""Classes that only hold what the functions return, or frames that the functions check."""

# --- arguments that each function accepts ---

QUOTES = pl.DataFrame(
    [(t, n, 1.0 + t * k, 1.0 + t + k) for t in range(4) for k, n in enumerate("abc")],
    schema=["period", "product", "price", "quantity"], orient="row",
).with_columns(group=pl.lit("g"), target=pl.lit(value=True))  # fmt: skip
SERIES = QUOTES.select("period", node="product", index="price")
WEIGHTS = pl.DataFrame({"node": list("abc"), "weight": [1.0, 2.0, 3.0], "reference": [0, 0, 0]})
TREE = pl.DataFrame({"node": ["top", *"abc"], "parent": [None, "top", "top", "top"]})
AGGREGATED = aggregation.aggregate(SERIES, WEIGHTS, TREE)
KEYS: dict[str, Any] = {"period": "period", "product": "product", "price": "price", "quantity": "quantity"}
NAMED: dict[str, Any] = {"node": "node", "column": "index"}
PAIR: dict[str, Any] = {"formula": "fisher", "base_period": 0, "current_period": 3, **KEYS}
OUTCOME: dict[str, Any] = {"kept": "kept", "reason": "reason"}
RULE: dict[str, Any] = {
    "values": [0.5, 1.0, 1.1, 4.0], "rule": "hb", "cutoff": 2.5, "lower_cutoff": 1.0, "floor": 0.1, "tails": 0.1
}  # fmt: skip

MONTH = {"data_origin": "real", "item_number": 210302, "month": date(2016, 5, 1)}
OFFICIAL_QUOTES = pl.DataFrame(
    {
        **MONTH, "validity": 3, "price_gbp": [1.0, 2.0], "stratum_weight": 1.0, "stratum_type": 0, "stratum_cell": 0,
        "shop_weight": 1.0, "base_price_gbp": 1.0, "base_validity": 3,
    }
)  # fmt: skip
ITEM_INDICES = pl.DataFrame({**MONTH, "index": [101.0], "weight": 1.0, "reason": None})
ITEMS = pl.DataFrame({"item_number": [210302], "class_code": "01.1.1", "division_code": "01", "weight": 1.0})
COMPARED = pl.DataFrame(
    [
        ("real", "division", "01", "shelf", name, "monthly", date(2016, month, 1), 100.0 + month)
        for name in "ab"
        for month in (1, 2, 3, 4)
    ],
    schema=["data_origin", "level", "code", "scope", "series", "frequency", "period", "index"], orient="row",
)  # fmt: skip
DAYS = [date(2016, 8, 1) + timedelta(days=n) for n in range(30)]
SCRAPED = pl.DataFrame(
    [("real", "tesco", 210302, f"P{k}", day, 1.0 + k + 0.01 * n) for k in range(3) for n, day in enumerate(DAYS)],
    schema=["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"], orient="row",
).cast({"item_number": pl.Int32})  # fmt: skip
OTHER = SCRAPED.with_columns(source=pl.lit("agg"), delivered_on="collected_on")
MATCHES = OTHER.select("data_origin", "source", "retailer", "item_number", "product", other_product="product").unique()
PRODUCTS_OF_SHOP = pl.DataFrame(
    [("tesco", 210302, "a", "11", "Rich Tea 300g", 0.3, 1.0)], schema=PRODUCTS, orient="row"
)
LISTINGS = scope.describe(
    SCRAPED.select("data_origin", "retailer", "item_number", "product").unique().sort("product").with_columns(
        product_name=pl.format("RICH TEA {} {}00G", "product", pl.int_range(2, 5)),
        size_class=pl.lit(None, pl.Int32), first_listed_on=pl.lit(DAYS[0]), last_listed_on=pl.lit(DAYS[-1]),
    )
).select(ProductListing.column_names())  # fmt: skip
ENTERING = SCRAPED.select(EnteringQuote.column_names())
PLACED = SCRAPED.with_columns(category=pl.lit("biscuits"), place=pl.lit(1, pl.Int32)).select(
    PlacedProduct.column_names()
)

ONE_RECIPE = recipes.RECIPES[:1]
WEB_DAILY = recipes.recipe_named("web_daily")
JUDGED = SCRAPED.with_columns(in_scope=pl.lit(value=True))
SIZES = JUDGED.select("data_origin", "retailer", "item_number", "product").unique().with_columns(pack_size=0.5)
TREE_WEIGHTS = recipes.TreeWeights(
    pl.DataFrame({"retailer": ["tesco"], "item_number": [210302], "weight": [1.0]}),
    ITEMS.select("item_number", "class_code", "weight"),
    ITEMS.select("class_code", "division_code", "weight"),
)
PANELS_OF: dict[str, Any] = {
    "quotes": JUDGED, "data_origin": "real", "pack_sizes": SIZES.drop("data_origin"),
    "rejected": JUDGED.select("retailer", "item_number", "collected_on").head(0), "weights": TREE_WEIGHTS,
    "week": (DAYS[0], DAYS[6]), "rhythms": {"tesco": "daily"},
}  # fmt: skip
PANELS = recipes.origin_panels(**PANELS_OF)
FIGURES = recipes.index_figures(PANELS, [WEB_DAILY], scopes=["shelf"])
FIRST_MONTH = SCRAPED["collected_on"].min().replace(day=1)
ENTERED = JUDGED.with_columns(entered_on=pl.col("collected_on").min())
BOUNDS = recipes.price_change_bounds(ENTERED, [WEB_DAILY], FIRST_MONTH)
LABELS = pl.DataFrame(
    [
        (212011, f"brand{letter} {name}", price, name.endswith("2l"))
        for letter in "abcdefghij"
        for name, price in (("cola 2l", 1.5), ("coffee 200g", 4.0))
    ],
    schema=["item_number", "product_name", "median_price_gbp", "in_scope"], orient="row",
)  # fmt: skip
MODEL = scope.fit(LABELS)

CALLS: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {
    "aggregate": (
        aggregation.aggregate,
        {
            "indices": SERIES, "weights": WEIGHTS, "tree": TREE, "formula": "laspeyres", "missing": "parent",
            "reentry": "resume", "successions": None,
        },
    ),
    "chain": (aggregation.chain, {"unchained": SERIES.with_columns(link=0), "value": 100.0, **NAMED}),
    "contributions": (aggregation.contributions, {"aggregated": AGGREGATED, "of": "top"}),
    "link_series": (
        aggregation.link_series,
        {"earlier": SERIES, "later": SERIES, "overlap": [0, 1], "mean": "arithmetic", **NAMED},
    ),
    "mean_index": (
        aggregation.mean_index,
        {"indices": [1.0, 2.0], "base_weights": [1, 1], "current_weights": [1, 2], "formula": "fisher"},
    ),
    "price_updated": (
        aggregation.price_updated,
        {"weights": WEIGHTS, "tree": TREE, "link": 1, "relative": lambda _node, _at: 1.0, "geometric": False},
    ),
    "rate_contributions": (
        aggregation.rate_contributions, {"aggregated": AGGREGATED, "of": "top", "over": 1, "calendar": range(4)}
    ),
    "rates": (aggregation.rates, {"table": SERIES, "over": 2, "calendar": [0, 1, 2, 3], **NAMED}),
    "rebased": (
        aggregation.rebased, {"table": SERIES, "base_periods": [0], "value": 100.0, "incomplete": "error", **NAMED}
    ),
    "unchain": (aggregation.unchain, {"chained": SERIES, "links": [2], "value": 100.0, **NAMED}),
    "axioms_violated": (
        bilateral.axioms_violated,
        {
            "index_function": lambda quotes: bilateral.bilateral_index(quotes, "jevons"), "quotes": QUOTES,
            "axioms": ["identity"], "tolerance": 1e-9,
        },
    ),
    "bilateral_contributions": (bilateral.bilateral_contributions, {"quotes": QUOTES, **PAIR}),
    "bilateral_decomposition": (bilateral.bilateral_decomposition, {"quotes": QUOTES, **PAIR}),
    "bilateral_index": (
        bilateral.bilateral_index,
        {
            "quotes": QUOTES, "formula": "fisher", "comparison": "fixed_base", **KEYS, "base_period": 0,
            "calendar": [0, 1, 2, 3], "sample": "matched", "of": "price", "duplicates": "error", "missing": "error",
        },
    ),
    "bilateral_index, lloyd_moulton": (
        bilateral.bilateral_index, {"quotes": QUOTES, "formula": "lloyd_moulton", **KEYS, "sigma": 2.0}
    ),
    "bilateral_index, quadratic_mean": (
        bilateral.bilateral_index, {"quotes": QUOTES, "formula": "quadratic_mean", **KEYS, "order": 2.0}
    ),
    "bilateral_index, young": (
        bilateral.bilateral_index, {"quotes": QUOTES, "formula": "young", **KEYS, "weights_period": 1}
    ),
    "bilateral_index, time_product_dummy": (
        bilateral.bilateral_index,
        {"quotes": QUOTES, "formula": "time_product_dummy", **KEYS, "weights": "shares", "adjust_bias": True},
    ),
    "bilateral_indicator": (
        bilateral.bilateral_indicator,
        {
            "quotes": QUOTES, "formula": "bennet", "comparison": "fixed_base", **KEYS, "base_period": 0,
            "calendar": [0, 1, 2, 3], "sample": "matched", "duplicates": "error",
        },
    ),
    "indicator_contributions": (
        bilateral.indicator_contributions,
        {"quotes": QUOTES, **PAIR, "formula": "bennet", "sample": "matched", "duplicates": "error"},
    ),
    "retrospective_index": (bilateral.retrospective_index, {"quotes": QUOTES, **KEYS}),
    "at_frequency": (comparison.at_frequency, {"series": COMPARED, "frequency": "monthly"}),
    "chained_official": (comparison.chained_official, {"indices": ITEM_INDICES, "by": ["item_number"]}),
    "collection_frequencies": (
        comparison.collection_frequencies,
        {"quotes": SCRAPED, "weights": ITEMS.select("item_number", "division_code", "weight")},
    ),
    "combined_official": (comparison.combined_official, {"indices": ITEM_INDICES, "items": ITEMS.drop("weight")}),
    "compare_methods": (comparison.compare_methods, {"series": COMPARED}),
    "compare_with_official": (comparison.compare_with_official, {"series": COMPARED, "official": COMPARED}),
    "compared_indices": (comparison.compared_indices, {"series": COMPARED, "official": COMPARED}),
    "formula_item_indices": (
        comparison.formula_item_indices, {"quotes": OFFICIAL_QUOTES, "formulas": ("jevons", "dutot")}
    ),
    "match_products": (
        comparison.match_products, {"left": PRODUCTS_OF_SHOP, "right": PRODUCTS_OF_SHOP, "threshold": 0.6}
    ),
    "office_item_indices": (
        comparison.office_item_indices,
        {"quotes": OFFICIAL_QUOTES, "within": "geometric", "base_prices": "collected"},
    ),
    "scraped_as_collected": (comparison.scraped_as_collected, {"quotes": SCRAPED, "days_either_side": 3}),
    "source_agreement": (
        comparison.source_agreement, {"quotes": SCRAPED, "other": OTHER, "matches": MATCHES}
    ),
    "with_published": (comparison.with_published, {"rebuilt": ITEM_INDICES, "published": ITEM_INDICES}),
    "fews_index": (
        multilateral.fews_index,
        {
            "quotes": QUOTES, "window": 3, "splice": "half", **KEYS, "weights": "levels", "half_position": "old_window",
            "first_value": "window_end", "duplicates": "rows", "calendar": [0, 1, 2, 3], "matching": "pair",
        },
    ),
    "geks_decomposition": (multilateral.geks_decomposition, {"quotes": QUOTES, **PAIR}),
    "multilateral_index": (
        multilateral.multilateral_index,
        {
            "quotes": QUOTES, "method": "geks_fisher", "window": 3, "splice": "half_published", **KEYS,
            "calendar": [0, 1, 2, 3], "duplicates": "error", "missing": "error", "first_value": "window_start",
            "incomplete": "null", "half_position": "new_window", "matching": "pair",
        },
    ),
    "multilateral_index, geks_lloyd_moulton": (
        multilateral.multilateral_index, {"quotes": QUOTES, "method": "geks_lloyd_moulton", **KEYS, "sigma": 2.0}
    ),
    "multilateral_index, geks_quadratic_mean": (
        multilateral.multilateral_index, {"quotes": QUOTES, "method": "geks_quadratic_mean", **KEYS, "order": 2.0}
    ),
    "multilateral_index, geks_time_product_dummy": (
        multilateral.multilateral_index,
        {"quotes": QUOTES, "method": "geks_time_product_dummy", **KEYS, "weights": "none", "adjust_bias": False},
    ),
    "multilateral_index, fixed_base_expanding": (
        multilateral.multilateral_index,
        {
            "quotes": QUOTES, "method": "geary_khamis", "splice": "fixed_base_expanding", "window": None, **KEYS,
            "expanding": "fbew_december", "base_periods": [0, 2],
        },
    ),
    "multilateral_index, fixed_base_moving": (
        multilateral.multilateral_index,
        {
            "quotes": QUOTES, "method": "geks_jevons", "splice": "fixed_base_moving", "window": 3, **KEYS,
            "base_periods": [2],
        },
    ),
    "splice_drift": (
        multilateral.splice_drift,
        {
            "quotes": QUOTES, "method": "geks_jevons", "variants": [(3, "mean"), (None, None)], **KEYS,
            "calendar": [0, 1, 2, 3], "first_value": "window_start", "incomplete": "null",
        },
    ),
    "window_revision": (
        multilateral.window_revision,
        {
            "quotes": QUOTES, "method": "geks_jevons", "window": 3, "splice": "half", **KEYS,
            "calendar": [0, 1, 2, 3], "half_position": "new_window", "incomplete": "null",
        },
    ),
    "impute_prices": (
        panels.impute_prices,
        {
            "quotes": QUOTES, "method": "targeted_mean", **KEYS, "calendar": [0, 1, 2, 3], "max_periods": 2,
            "group": "group", "target": "target", "self_correcting": True, "mean": "geometric",
        },
    ),
    "price_panel": (
        panels.price_panel,
        {"quotes": QUOTES, **KEYS, "duplicates": "error", "missing": "error", "with_gaps": False, "in_order": True},
    ),
    "product_definition_scores": (
        panels.product_definition_scores,
        {
            "quotes": QUOTES, "attributes": ["product", "group"], "base_period": 0, "current_period": 3,
            "strategy": "last", "last_periods": 2, "period": "period", "price": "price", "quantity": "quantity",
        },
    ),
    "PriceOutlierParameters": (
        quality.PriceOutlierParameters,
        {"fixed_cutoff": 3.0, "tukey_cutoff": 2.5, "hb_cutoff": 4.0, "least_changes": 20, "link_window_days": 14},
    ),
    "combined": (
        quality.combined,
        {"filtered": [quality.relative_filter(QUOTES), quality.low_sales_filter(QUOTES)], **OUTCOME},
    ),
    "dump_filter": (
        quality.dump_filter, {"quotes": QUOTES, "price_limit": 0.5, "expenditure_limit": 0.5, **KEYS, **OUTCOME}
    ),
    "hidiroglou_berthelot": (
        quality.hidiroglou_berthelot, {"values": [0.5, 1.0, 3.0], "prices": ([2, 2, 1], [1, 2, 3]), "power": 0.5}
    ),
    "is_outlier": (quality.is_outlier, RULE),
    "low_sales_filter": (quality.low_sales_filter, {"quotes": QUOTES, "share_factor": 1.25, **KEYS, **OUTCOME}),
    "outlier_bounds": (quality.outlier_bounds, RULE | {"rule": "tukey"}),
    "price_outliers": (
        quality.price_outliers, {"quotes": ENTERING, "parameters": quality.PriceOutlierParameters()}
    ),
    "product_renames": (quality.product_renames, {"listings": LISTINGS, "quotes": ENTERING}),
    "relative_filter": (
        quality.relative_filter,
        {"quotes": QUOTES, "factor": 3.0, "period": "period", "product": "product", "price": "price", **OUTCOME},
    ),
    "short_runs": (quality.short_runs, {"listed": PLACED}),
    "shrinking_packs": (
        quality.shrinking_packs, {"listings": LISTINGS, "quotes": ENTERING, "overlap_days": 3}
    ),
    "Bootstrap": (recipes.Bootstrap, {"replicates": 20, "seed": 1}),
    "Recipe": (
        recipes.Recipe,
        {
            "name": "mine", "description": "a recipe", "outputs": WEB_DAILY.outputs, "weights_year": 2016,
            "seasonal": None, "scopes": ("shelf",),
        },
    ),
    "RecipeOutput": (
        recipes.RecipeOutput,
        {
            "method": "mine", "frequency": "daily", "formula": "chained_jevons", "days": "all", "link_window_days": 14,
            "carry_days": None, "window": None, "splice": "none", "item_formulas": (), "relative_limit": 3.0,
            "clip": None, "note": None,
        },
    ),
    "base_weeks": (recipes.base_weeks, {"quotes": SCRAPED, "rhythms": {"tesco": "daily"}}),
    "constructed_axioms_violated": (
        recipes.constructed_axioms_violated, {"output": WEB_DAILY.outputs[0], "item_number": 210302}
    ),
    "figures_off_known_change": (recipes.figures_off_known_change, {"recipe": WEB_DAILY, "item_number": 210302}),
    "first_complete_week": (recipes.first_complete_week, {"days": pl.Series(DAYS)}),
    "index_diagnostics": (
        recipes.index_diagnostics,
        {
            "panels": PANELS, "recipes": [WEB_DAILY], "figures": FIGURES,
            "bootstrap": recipes.Bootstrap(replicates=2), "scopes": ["shelf"],
        },
    ),
    "index_directions": (
        recipes.index_directions,
        {"months": recipes.direction_months(FIGURES.elementary, BOUNDS, [WEB_DAILY], FIRST_MONTH)},
    ),
    "direction_months": (
        recipes.direction_months,
        {"elementary": FIGURES.elementary, "bounds": BOUNDS, "recipes": [WEB_DAILY], "month": FIRST_MONTH},
    ),
    "price_change_bounds": (
        recipes.price_change_bounds, {"quotes": ENTERED, "recipes": [WEB_DAILY], "month": FIRST_MONTH}
    ),
    "days_compared": (recipes.days_compared, {"month": FIRST_MONTH, "recipes": [WEB_DAILY]}),
    "index_figures": (
        recipes.index_figures, {"panels": PANELS, "recipes": [WEB_DAILY], "scopes": ["shelf"]}
    ),
    "origin_panels": (recipes.origin_panels, PANELS_OF),
    "parameters_hash": (recipes.parameters_hash, {"recipe": WEB_DAILY}),
    "recipe_axioms_violated": (
        recipes.recipe_axioms_violated,
        {
            "quotes": QUOTES.select(
                pl.lit(DAYS[0]).dt.offset_by(pl.format("{}d", "period")).alias("period"), "product", "price"
            ),
            "output": WEB_DAILY.outputs[0], "item_number": 210302,
        },
    ),
    "recipe_named": (recipes.recipe_named, {"name": "web_daily"}),
    "recipes_with_link_window": (recipes.recipes_with_link_window, {"days": 7}),
    "ScopeParameters": (
        scope.ScopeParameters, {"penalty": 1.0, "folds": 5, "target_accuracy": 0.9, "most_referred": 0.1}
    ),
    "describe": (scope.describe, {"products": LABELS}),
    "fit": (scope.fit, {"labels": LABELS, "parameters": scope.ScopeParameters()}),
    "predict": (scope.predict, {"model": MODEL, "products": LABELS.drop("in_scope")}),
}  # fmt: skip
WRONG: dict[str, Any] = {
    "None": None, "3": 3, "-1": -1, "'x'": "x", "[]": [], "[3]": [3], "['x']": ["x"], "{}": {}, "object()": object(),
    "np.float32(1)": np.float32(1), "np.int64(1)": np.int64(1), "nan": float("nan"), "inf": float("inf"),
    "True": True, "1j": 1j, "b'x'": b"x", "date": date(2020, 1, 1), "np.array": np.array([1.0, 2.0]),
    "pl.Series": pl.Series([1, 2]), "pl.col": pl.col("price"), "str": str, "empty frame": pl.DataFrame(),
    "[[]]": [[]], "[None]": [None], "{'x': 3}": {"x": 3}, "''": "", "pd.NA": pd.NA, "pd.NaT": pd.NaT,
    "10**400": 10**400, "[10**400]": [10**400], "datetime64[M]": np.datetime64("2020-01"),
}  # fmt: skip

OFTEN_LEFT_OUT = {
    "window", "splice", "comparison", "base_period", "calendar", "sample", "of", "duplicates", "missing",
}  # fmt: skip
"""Options that one of several calls of a function has."""

every_call = pytest.mark.parametrize(("function", "accepted"), CALLS.values(), ids=CALLS)


def test_every_public_function_has_a_call_here():
    public = {
        name
        for package in PACKAGES
        for name in package.__all__
        if callable(getattr(package, name)) and name not in READERS_OF_PERIODS | RESULTS
    }
    assert public == {name.partition(",")[0] for name in CALLS}
    for function, accepted in CALLS.values():
        parameters = inspect.signature(function).parameters.values()
        named = {parameter.name for parameter in parameters if parameter.kind != inspect.Parameter.VAR_KEYWORD}
        left_out = {
            "window",
            "splice",
            "comparison",
            "base_period",
            "calendar",
            "sample",
            "of",
            "duplicates",
            "missing",
        }
        assert named - left_out <= accepted.keys()


@every_call
def test_wrong_arguments_give_a_result_or_a_value_error(function, accepted):
    function(**accepted)
    faults = []
    for name in accepted:
        for shown, wrong in WRONG.items():
            try:
                with suppress(ValueError):
                    function(**accepted | {name: wrong})
            except Exception as error:
                faults.append(f"{name}={shown}: {type(error).__name__}: {error}")
    assert faults == []
