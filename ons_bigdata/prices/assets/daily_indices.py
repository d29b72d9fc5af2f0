"""The daily indices: chained and fixed-base Jevons by retailer and item, and their aggregates."""

from dataclasses import replace

import dagster as dg
import polars as pl

from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.platform.warehouse import Warehouse
from ons_bigdata.prices import schemas
from ons_bigdata.prices.methods.daily_aggregation import aggregate_prices
from ons_bigdata.prices.methods.jevons import Week, chained_jevons, fixed_base_jevons
from ons_bigdata.prices.methods.recipes import WEB_DAILY, Recipe, base_weeks
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
    weeks = base_weeks(quotes)
    indices = [
        method_indices
        for (origin,), of_origin in quotes.group_by("data_origin", maintain_order=True)
        for method_indices in _elementary(of_origin, weeks[str(origin)], recipe)
    ]
    frame = pl.concat(indices) if indices else schemas.ElementaryIndex.create_empty()
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
    elementary = store.frame("select * from analysis.elementary_price_indices")
    year = [recipe.weights_year]
    frame = aggregate_prices(
        elementary,
        retailer_weights=store.frame(
            "select retailers.data_origin, weights.retailer, weights.item_number, weights.weight"
            " from seeds.retailer_weights as weights join seeds.retailers using (retailer)"
            " where weights_year = $1",
            year,
        ),
        item_weights=store.frame(
            "select item_number, class_code, weight from seeds.item_weights where weights_year = $1", year
        ),
        class_weights=store.frame(
            "select class_code, division_code, weight from seeds.class_weights where weights_year = $1", year
        ),
        base_weeks=base_weeks(_collected_days(store)),
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


def _collected_days(store: Warehouse) -> pl.DataFrame:
    return store.frame("select distinct data_origin, collected_on from intermediate.int_prices__quotes_accepted")


def _elementary(quotes: pl.DataFrame, week: Week | None, recipe: Recipe) -> list[pl.DataFrame]:
    return [
        chained_jevons(quotes, link_window_days=recipe.link_window_days, base_week=week),
        fixed_base_jevons(quotes, base_week=week),
    ]


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [elementary_price_indices, aggregate_price_indices]
