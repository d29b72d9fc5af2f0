"""Inputs of the assets of indices, arranged by data origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.prices.methods.recipes import (
    OriginPanels,
    Recipe,
    TreeWeights,
    base_weeks,
    origin_panels,
    recipes_with_link_window,
)
from ons_bigdata.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.platform.dagster.inputs import Inputs

INPUTS = {
    "quotes": "intermediate.int_prices__quotes_scoped",
    "pack_sizes": "intermediate.int_prices__product_pack_sizes",
    "rejected": "intermediate.int_prices__item_days_rejected",
    "retailer_weights": "intermediate.int_prices__retailer_weights_assigned",
    "item_weights": "seeds.item_weights",
    "class_weights": "seeds.class_weights",
    "retailers": "seeds.retailers",
}
"""Inputs from which indices are computed: name → relation."""

QUOTE_COLUMNS = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp", "in_scope"]


def current_recipes() -> tuple[Recipe, ...]:
    """All recipes, with the link window of the settings. A window other than that of `web_daily` gives another name."""
    return recipes_with_link_window(get_settings().link_window_days)


def panels_by_origin(inputs: Inputs) -> Iterator[OriginPanels]:
    """Quotes of each data origin by retailer and item, with the weights and rejected days, in the order of origins."""
    quotes = inputs.read("quotes", QUOTE_COLUMNS)
    pack_sizes = inputs.read("pack_sizes").filter("is_of_item_measure")
    rejected = inputs.read("rejected")
    (year,) = {recipe.weights_year for recipe in current_recipes()}
    retailers, items, classes = (
        inputs.read(name).filter(pl.col("weights_year") == year)
        for name in ("retailer_weights", "item_weights", "class_weights")
    )
    rhythms = dict(inputs.read("retailers", ["retailer", "rhythm"]).drop_nulls("rhythm").iter_rows())
    weeks = base_weeks(quotes, rhythms)
    for (origin,), rows in sorted(quotes.partition_by("data_origin", as_dict=True).items()):
        of_origin = pl.col("data_origin") == origin
        yield origin_panels(
            rows,
            data_origin=str(origin),
            pack_sizes=pack_sizes.filter(of_origin),
            rejected=rejected.filter(of_origin),
            weights=TreeWeights(retailers.filter(of_origin), items, classes),
            week=weeks[str(origin)],
            rhythms=rhythms,
        )
