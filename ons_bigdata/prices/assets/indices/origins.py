"""Inputs of the assets of indices, arranged by data origin."""

from __future__ import annotations

from datetime import timedelta
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
    from datetime import date

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

DAYS_AT_ONCE = 56
"""Days of quotes that are read at a time."""


def current_recipes() -> tuple[Recipe, ...]:
    """All recipes, with the link window of the settings. A window other than that of `web_daily` gives another name."""
    return recipes_with_link_window(get_settings().link_window_days)


def read_quotes(inputs: Inputs) -> pl.DataFrame:
    """Quotes of all days, some weeks at a time, with texts as categories: 28 bytes a quote in the place of a hundred.

    What is read at a time is bounded; what is kept still grows with history.
    """
    days = inputs.read("item_days", ["collected_on"])["collected_on"].unique().sort()
    texts = pl.col("data_origin", "retailer", "product").cast(pl.Categorical)
    parts = []
    known: list[date] = days.to_list()
    while known:
        until = known[0] + timedelta(days=DAYS_AT_ONCE - 1)
        parts.append(inputs.read_days("quotes", "collected_on", (known[0], until), QUOTE_COLUMNS).with_columns(texts))
        known = [day for day in known if day > until]
    return pl.concat(parts) if parts else inputs.read("quotes", QUOTE_COLUMNS)


def tree_weights(inputs: Inputs, origin: str) -> TreeWeights:
    """Read the weights of the year of the recipes, for one data origin."""
    (year,) = {recipe.weights_year for recipe in current_recipes()}
    retailers, items, classes = (
        inputs.read(name).filter(pl.col("weights_year") == year)
        for name in ("retailer_weights", "item_weights", "class_weights")
    )
    return TreeWeights(retailers.filter(pl.col("data_origin") == origin), items, classes)


def panels_by_origin(inputs: Inputs) -> Iterator[OriginPanels]:
    """Quotes of each data origin by retailer and item, with the weights and rejected days, in the order of origins."""
    quotes = read_quotes(inputs)
    pack_sizes = inputs.read("pack_sizes").filter("is_of_item_measure")
    rejected = inputs.read("rejected")
    rhythms = dict(inputs.read("retailers", ["retailer", "rhythm"]).drop_nulls("rhythm").iter_rows())
    weeks = base_weeks(quotes, rhythms)
    for (origin,), rows in sorted(quotes.partition_by("data_origin", as_dict=True).items()):
        of_origin = pl.col("data_origin") == origin
        yield origin_panels(
            rows,
            data_origin=str(origin),
            pack_sizes=pack_sizes.filter(of_origin),
            rejected=rejected.filter(of_origin),
            weights=tree_weights(inputs, str(origin)),
            week=weeks[str(origin)],
            rhythms=rhythms,
        )
