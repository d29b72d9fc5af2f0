"""Labels of product scope: the landed files and their rows."""

import dagster as dg

from ons_bigdata.platform.dagster.assets import rebuilt
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.sources.retailers import read_retailers
from ons_bigdata.prices.sources.scope_labels import SOURCE, raw_scope_labels
from ons_bigdata.settings import get_settings

LANDING = dg.AssetSpec(
    key=["landing", "scope_labels"],
    kinds={"csv"},
    description=(
        "Files of products that people judged in or out of scope, unchanged, by their hash. Written by"
        " `ons-bigdata ingest scope-labels`."
    ),
    metadata={
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name=name, type="string", description=description)
                for name, description in {
                    "item_number": "CPI item number, six digits",
                    "item_name": "name of the item",
                    "retailer": "retailer, in any case",
                    "product_name": "name of the product as the shop shows it",
                    "median_price_gbp": "median price in GBP; empty where unknown",
                    "in_scope": "the judgement, true or false; where there are two readings, they stand in its place",
                    "reader_a": "judgement of the first reader, 1 or 0",
                    "reader_b": "judgement of the second reader, 1 or 0",
                }.items()
            ]
        )
    },
)


@dg.asset(
    key=["raw", "scope_labels"],
    deps=[LANDING],
    kinds={"python", "postgres"},
    description="One row per labelled product and label file.",
)
def raw_labels(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the labels of both origins from their landed files."""
    landing = warehouse.landing()
    table = raw_scope_labels(read_retailers(get_settings().dbt_project_dir))
    return rebuilt(landing, table, landing.partitions(SOURCE))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [LANDING, raw_labels]
