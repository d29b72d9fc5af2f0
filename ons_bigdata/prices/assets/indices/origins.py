"""Inputs of the assets of indices, arranged by data origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.prices.methods.recipes import (
    Recipe,
    TreeWeights,
    recipes_with_link_window,
)
from ons_bigdata.settings import get_settings

if TYPE_CHECKING:
    from ons_bigdata.platform.dagster.inputs import Inputs

INPUTS = {
    "quotes": "intermediate.int_prices__quotes_scoped",
    "item_days": "intermediate.int_prices__item_days_accepted",
    "pack_sizes": "intermediate.int_prices__product_pack_sizes",
    "rejected": "intermediate.int_prices__item_days_rejected",
    "retailer_weights": "intermediate.int_prices__retailer_weights_assigned",
    "item_weights": "seeds.item_weights",
    "class_weights": "seeds.class_weights",
    "retailers": "seeds.retailers",
}
"""Inputs from which indices are computed: name → relation."""

MONTH_INPUTS = {
    "accepted": "intermediate.int_prices__quotes_accepted",
    "scoped": "intermediate.int_prices__products_scoped",
    "product_months": "intermediate.int_prices__product_months_judged",
}
"""Further inputs of indices that are computed month by month: what tells which months changed."""

QUOTE_COLUMNS = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp", "in_scope"]


def current_recipes() -> tuple[Recipe, ...]:
    """All recipes, with the link window of the settings. A window other than that of `web_daily` gives another name."""
    return recipes_with_link_window(get_settings().link_window_days)


def tree_weights(inputs: Inputs, origin: str) -> TreeWeights:
    """Read the weights of the year of the recipes, for one data origin."""
    (year,) = {recipe.weights_year for recipe in current_recipes()}
    retailers, items, classes = (
        inputs.read(name).filter(pl.col("weights_year") == year)
        for name in ("retailer_weights", "item_weights", "class_weights")
    )
    return TreeWeights(retailers.filter(pl.col("data_origin") == origin), items, classes)
