"""What was collected: the landed scrape files and quote files, and their rows."""

import dagster as dg

from ons_bigdata.platform.dagster.assets import rebuilt
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.calendar import DAYS
from ons_bigdata.prices.sources.delivery import SOURCE, raw_price_quotes
from ons_bigdata.prices.sources.retailers import read_retailers
from ons_bigdata.settings import get_settings

LANDING = dg.AssetSpec(
    key=["landing", "price_scrapes"],
    deps=[dg.AssetKey(["raw", "scrape_runs"])],
    kinds={"csv"},
    description=(
        "The scrape files as they were delivered, and the quote files of our own scrapes, unchanged, by their hash; "
        "`ops.files` says which there are. Written by `ons-bigdata ingest prices` and by raw/scrape_runs. The columns "
        "below are those of a scrape file; docs/prices/collection/scraping.md has those of a quote file."
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
    partitions_def=partitions_of(DAYS),
    backfill_policy=dg.BackfillPolicy.single_run(),
    kinds={"python", "postgres"},
    description="One row per accepted row of a scrape or quote file, rebuilt day by day from all files of the day.",
)
def raw_quotes(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the days of the run from their landed files."""
    landing = warehouse.landing()
    table = raw_price_quotes(read_retailers(get_settings().dbt_project_dir))
    delivered = set(landing.partitions(SOURCE))
    days = [day for day in context.partition_keys if day in delivered]
    return rebuilt(landing, table, days, days_without_files=len(context.partition_keys) - len(days))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [LANDING, raw_quotes]
