"""The Python assets of the prices pilot: read, call a method, write, report. SQL models are dbt's."""

from dataclasses import replace

import dagster as dg
import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.platform.frames import column_schema
from ons_bigdata.platform.loading import LoadTotals, analyse, rebuild_partition
from ons_bigdata.platform.partitions import DAILY
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.platform.warehouse import Warehouse
from ons_bigdata.prices import schemas
from ons_bigdata.prices.methods.aggregation import aggregate_prices
from ons_bigdata.prices.methods.jevons import Week, chained_jevons, fixed_base_jevons
from ons_bigdata.prices.methods.recipes import WEB_DAILY, Recipe, base_weeks
from ons_bigdata.prices.sources.delivery import SOURCE, raw_price_quotes
from ons_bigdata.prices.sources.retailers import read_retailers
from ons_bigdata.settings import get_settings

GROUP = "prices"
OWNERS = ["team:prices"]

LANDING = dg.AssetSpec(
    key=["landing", "price_scrapes"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    description=(
        "The scrape files as they were delivered, unchanged, by their hash; `ops.files` says which there "
        "are. Written by `ons-bigdata ingest prices`."
    ),
    metadata={
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name=name, type="string", description=description)
                for name, description in {
                    "timestamp": "time of the row, YYYY-MM-DD HH:MM:SS with up to 6 decimals, Europe/London",
                    "store": "retailer, in any case; the retailer of the file name, or the row is quarantined",
                    "ons_item_no": "CPI item number, six digits",
                    "ons_item_name": "name of the item",
                    "product_type": "the retailer's shelf, by its category path",
                    "search_string": "what the scraper looked for",
                    "product_name": "name of the product as the shop shows it",
                    "item_price_str": "price as the shop shows it, e.g. £1.50 or 99p",
                    "item_price_num": "the same price as a number, GBP",
                    "volume_price": "price per quantity as the shop shows it, e.g. (37.5p / 100g)",
                    "unit_price": "price in GBP per `no_units` of `units`; empty where the shop gives none",
                    "no_units": "quantity that the unit price is for, e.g. 100; empty where unknown",
                    "units": "measure of that quantity, e.g. g, kg, cl, litre, each",
                    "std_price": "price in GBP per `std_unit`; 0.0 where the scraper could not convert it",
                    "std_unit": "measure of the standard price; `unknown` where the scraper could not convert it",
                    "promo": "text of the promotion; empty where there is none",
                    "offer": "text of the offer, where the source keeps it apart from `promo`",
                    "ml_prediction": "whether the scraper's classifier took the product for the item; kept, not used",
                    "single_class": "the same by its one-class classifier; kept, not used",
                }.items()
            ]
        )
    },
)


@dg.asset(
    key=["raw", "price_quotes"],
    deps=[LANDING],
    partitions_def=DAILY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": column_schema(schemas.PriceQuote)},
    description="One row per accepted row of a scrape file, rebuilt day by day from all files of the day.",
)
def raw_quotes(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the days of the run from their landed files."""
    landing = warehouse.landing()
    table = raw_price_quotes(read_retailers(get_settings().dbt_project_dir))
    delivered = set(landing.partitions(SOURCE))
    days = [day for day in context.partition_keys if day in delivered]
    totals = LoadTotals()
    for day in progress.track("raw/price_quotes: days", days):
        totals += rebuild_partition(landing, table, day)
    analyse(landing, table)
    context.log.info("%d files of %d days, %d rows", totals.files, len(days), totals.rows_in)
    return dg.MaterializeResult(
        metadata={
            "days": len(context.partition_keys),
            "days_without_files": len(context.partition_keys) - len(days),
            "files": totals.files,
            "rows_in": totals.rows_in,
            "rows_accepted": totals.accepted,
            "rows_quarantined": totals.quarantined,
            "outages": totals.outages,
            "files_refused": totals.refused,
        }
    )


@dg.asset(
    key=["analysis", "elementary_price_indices"],
    deps=[["intermediate", "int_prices__quotes_accepted"]],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "polars"},
    metadata={"dagster/column_schema": column_schema(schemas.ElementaryIndex)},
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
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "polars"},
    metadata={"dagster/column_schema": column_schema(schemas.AggregateIndex)},
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
