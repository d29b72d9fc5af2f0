"""Delivered figures that are not our scrapes: the office's files and other sources' quote files, as raw tables."""

import dagster as dg

from ons_bigdata.platform import progress
from ons_bigdata.platform.frames import column_schema
from ons_bigdata.platform.loading import LoadTotals, RawTable, analyse, rebuild_partition, stale_partitions
from ons_bigdata.platform.partitions import DAILY
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.prices import schemas
from ons_bigdata.prices.assets.ownership import GROUP, OWNERS
from ons_bigdata.prices.sources import official_delivery
from ons_bigdata.prices.sources.other_delivery import SOURCE, raw_other_quotes
from ons_bigdata.prices.sources.retailers import read_retailers
from ons_bigdata.settings import get_settings

OFFICIAL_FILES = dg.AssetSpec(
    key=["landing", "official_price_files"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    description=(
        "The office's files as they were published, unchanged, by their hash: item indices (CSV or workbook), price "
        "quotes (CSV) and single series (CSV with a preamble). Written by `ons-bigdata ingest official`."
    ),
)

OTHER_FILES = dg.AssetSpec(
    key=["landing", "other_quote_files"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    description=(
        "Quote files of other sources (an aggregator, a retailer) as they were delivered, unchanged, by their hash; "
        "docs/prices/other_sources.md describes their columns. Written by `ons-bigdata ingest other-prices`."
    ),
)


def _rebuilt(warehouse: WarehouseResource, table: RawTable) -> dg.MaterializeResult:
    """Rebuild the partitions that wait, and those that hold rows of a superseded file."""
    landing = warehouse.landing()
    waiting = sorted({*landing.pending_partitions(table.reader), *stale_partitions(landing, table)})
    totals = LoadTotals()
    for partition in progress.track(f"{table.name.replace('.', '/')}: partitions", waiting):
        totals += rebuild_partition(landing, table, partition)
    if waiting:
        analyse(landing, table)
    return dg.MaterializeResult(metadata={"partitions_rebuilt": len(waiting), **_counts(totals)})


def _counts(totals: LoadTotals) -> dict[str, int]:
    return {
        "files": totals.files,
        "rows_in": totals.rows_in,
        "rows_accepted": totals.accepted,
        "rows_quarantined": totals.quarantined,
        "files_refused": totals.refused,
    }


@dg.asset(
    key=["raw", "official_item_indices"],
    deps=[OFFICIAL_FILES],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": column_schema(schemas.OfficialItemIndex)},
    description="One row per accepted row of a file of official item indices; months that wait are rebuilt.",
)
def raw_official_item_indices(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the months that wait for a file."""
    return _rebuilt(warehouse, official_delivery.ITEM_INDICES.table)


@dg.asset(
    key=["raw", "official_price_quotes"],
    deps=[OFFICIAL_FILES],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": column_schema(schemas.OfficialPriceQuote)},
    description="One row per accepted row of a file of official price quotes; months that wait are rebuilt.",
)
def raw_official_price_quotes(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the months that wait for a file."""
    return _rebuilt(warehouse, official_delivery.PRICE_QUOTES.table)


@dg.asset(
    key=["raw", "official_series"],
    deps=[OFFICIAL_FILES],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": column_schema(schemas.OfficialSeriesValue)},
    description="One row per month of an official series; series that wait are rebuilt.",
)
def raw_official_series(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the series that wait for a file."""
    return _rebuilt(warehouse, official_delivery.SERIES.table)


@dg.asset(
    key=["raw", "other_price_quotes"],
    deps=[OTHER_FILES],
    partitions_def=DAILY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    metadata={"dagster/column_schema": column_schema(schemas.OtherPriceQuote)},
    description="One row per accepted row of another source's quote file, rebuilt day by day from all files of it.",
)
def raw_other_price_quotes(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the days of the run from their landed files."""
    landing = warehouse.landing()
    table = raw_other_quotes(read_retailers(get_settings().dbt_project_dir))
    known = {*landing.partitions(SOURCE), *stale_partitions(landing, table)}
    days = [day for day in context.partition_keys if day in known]
    totals = LoadTotals()
    for day in progress.track("raw/other_price_quotes: days", days):
        totals += rebuild_partition(landing, table, day)
    if days:
        analyse(landing, table)
    return dg.MaterializeResult(metadata={"days": len(context.partition_keys), **_counts(totals)})


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    OFFICIAL_FILES,
    OTHER_FILES,
    raw_official_item_indices,
    raw_official_price_quotes,
    raw_official_series,
    raw_other_price_quotes,
]
