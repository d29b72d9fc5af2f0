"""Figures and diagnostics of recipes, computed in the two steps of the assets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    Bootstrap,
    direction_months,
    index_diagnostics,
    index_directions,
    index_figures,
    origin_panels,
    price_change_bounds,
)
from ons_bigdata.prices.schemas.indices import IndexDirectionMonth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ons_bigdata.prices.methods.recipes import OriginPanels, Recipe, TreeWeights
    from ons_bigdata.prices.methods.recipes.panels import Week

NO_DAYS = pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int32, "collected_on": pl.Date})


@dataclass(frozen=True)
class Computed:
    """Frames of both steps."""

    elementary: pl.DataFrame
    aggregates: pl.DataFrame
    diagnostics: pl.DataFrame
    movements: pl.DataFrame


def panels_of(
    quotes: pl.DataFrame, weights: TreeWeights, week: Week | None, rejected: pl.DataFrame = NO_DAYS
) -> OriginPanels:
    sizes = quotes.select("retailer", "item_number", "product").unique().with_columns(pack_size=pl.lit(0.5))
    return origin_panels(quotes, data_origin="real", pack_sizes=sizes, rejected=rejected, weights=weights, week=week)


def computed(
    panels: OriginPanels,
    recipes: Iterable[Recipe] = RECIPES,
    *,
    replicates: int = 20,
    scopes: Sequence[str] | None = None,
) -> Computed:
    recipes = tuple(recipes)
    figures = index_figures(panels, recipes, scopes=scopes)
    made = index_diagnostics(panels, recipes, figures, Bootstrap(replicates=replicates), scopes=scopes)
    return Computed(figures.elementary, figures.aggregates, made.diagnostics, made.movements)


def directions_of(elementary: pl.DataFrame, quotes: pl.DataFrame, recipes: Sequence[Recipe] = RECIPES) -> pl.DataFrame:
    """Direction of each series, from the counts of all months."""
    quotes = with_entry(quotes)
    months = elementary["period"].dt.month_start().unique().sort()
    counts = [
        direction_months(elementary, price_change_bounds(quotes, recipes, month), recipes, month) for month in months
    ]
    return index_directions(pl.concat([IndexDirectionMonth.create_empty(), *counts]))


def with_entry(quotes: pl.DataFrame) -> pl.DataFrame:
    """Quotes with the first day of each product."""
    product = ["data_origin", "retailer", "item_number", "product"]
    return quotes.with_columns(entered_on=pl.col("collected_on").min().over(product))
