"""The daily indices: chained and fixed-base Jevons by retailer and item, and their aggregates."""

from collections.abc import Mapping
from dataclasses import replace

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices import schemas
from ons_bigdata.prices.methods.recipes.catalogue import WEB_DAILY, Recipe, base_weeks
from ons_bigdata.prices.methods.recipes.daily_aggregation import aggregate_prices
from ons_bigdata.prices.methods.recipes.jevons import Week, chained_jevons, fixed_base_jevons
from ons_bigdata.settings import get_settings


@dg.asset(
    key=["analysis", "elementary_price_indices"],
    deps=[["intermediate", "int_prices__quotes_accepted"]],
    kinds={"python", "polars"},
    description="One row per retailer, item, method and day: chained and fixed-base Jevons of its products.",
)
def elementary_price_indices(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Compute the elementary indices of every origin over the whole series."""
    store = warehouse.open()
    quotes = accepted_quotes(store)
    recipe = daily_recipe()
    frame = elementary_indices(quotes, base_weeks(quotes), recipe)
    frame = schemas.ElementaryIndex.validate(frame)
    rows = store.replace("analysis.elementary_price_indices", frame)
    return dg.MaterializeResult(
        metadata={
            "quotes": quotes.height,
            "rows": rows,
            "without_index": frame["index"].null_count(),
            "chain_restarts": frame.filter(pl.col("reason").is_not_null() & (pl.col("segment") > 0)).height,
            "recipe": recipe.name,
        }
    )


@dg.asset(
    key=["analysis", "aggregate_price_indices"],
    deps=[
        ["analysis", "elementary_price_indices"],
        ["seeds", "item_weights"],
        ["seeds", "class_weights"],
        ["seeds", "retailer_weights"],
        ["seeds", "retailers"],
    ],
    kinds={"python", "polars"},
    description="One row per item, class or division, method and day: retailers, items and classes combined.",
)
def aggregate_price_indices(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Combine the elementary indices by the weights of the recipe's year."""
    store = warehouse.open()
    recipe = daily_recipe()
    frame = aggregate_prices(
        store.frame("select * from analysis.elementary_price_indices"),
        **weights(store, recipe),
        base_weeks=base_weeks(collected_days(store)),
        recipe=recipe,
    )
    frame = schemas.AggregateIndex.validate(frame)
    rows = store.replace("analysis.aggregate_price_indices", frame)
    return dg.MaterializeResult(
        metadata={
            "rows": rows,
            "without_index": frame["index"].null_count(),
            "partial": frame.filter(pl.col("status") == "partial").height,
            "recipe": recipe.name,
        }
    )


def daily_recipe() -> Recipe:
    """Return the recipe of the daily indices; another link window in the settings is another recipe."""
    days = get_settings().link_window_days
    if days == WEB_DAILY.link_window_days:
        return WEB_DAILY
    return replace(WEB_DAILY, name=f"{WEB_DAILY.name}_link_{days}_days", link_window_days=days)


def accepted_quotes(store: Warehouse) -> pl.DataFrame:
    """Return the quotes that may enter an index."""
    return store.frame(
        "select data_origin, retailer, item_number, product, collected_on, price_gbp"
        " from intermediate.int_prices__quotes_accepted"
    )


def collected_days(store: Warehouse) -> pl.DataFrame:
    """Return the days on which any quote of an origin may enter an index: the base week is one of theirs."""
    return store.frame("select distinct data_origin, collected_on from intermediate.int_prices__quotes_accepted")


def weights(store: Warehouse, recipe: Recipe) -> dict[str, pl.DataFrame]:
    """Return the weights of the recipe's year: of retailers in items, items in classes, classes in divisions."""
    year = [recipe.weights_year]
    return {
        "retailer_weights": store.frame(
            "select retailers.data_origin, weights.retailer, weights.item_number::bigint as item_number, weights.weight"
            " from seeds.retailer_weights as weights join seeds.retailers using (retailer) where weights_year = $1",
            year,
        ),
        "item_weights": store.frame(
            "select item_number, class_code, weight from seeds.item_weights where weights_year = $1", year
        ),
        "class_weights": store.frame(
            "select class_code, division_code, weight from seeds.class_weights where weights_year = $1", year
        ),
    }


def elementary_indices(quotes: pl.DataFrame, weeks: Mapping[str, Week | None], recipe: Recipe) -> pl.DataFrame:
    """Return chained and fixed-base Jevons of each origin's quotes, on its base week."""
    indices = [
        method_indices
        for (origin,), of_origin in quotes.group_by("data_origin", maintain_order=True)
        for method_indices in (
            chained_jevons(of_origin, link_window_days=recipe.link_window_days, base_week=weeks[str(origin)]),
            fixed_base_jevons(of_origin, base_week=weeks[str(origin)]),
        )
    ]
    return pl.concat(indices) if indices else schemas.ElementaryIndex.create_empty()


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [elementary_price_indices, aggregate_price_indices]
