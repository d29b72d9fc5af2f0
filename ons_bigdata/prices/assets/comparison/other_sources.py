"""Delivered figures that are not our scrapes: the office's files and other sources' quote files, as raw tables."""

import dagster as dg

from ons_bigdata.platform.dagster.assets import rebuilt
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.loading import stale_partitions
from ons_bigdata.prices.calendar import DAYS
from ons_bigdata.prices.sources import official_delivery
from ons_bigdata.prices.sources.other_delivery import SOURCE, raw_other_quotes
from ons_bigdata.prices.sources.retailers import read_retailers
from ons_bigdata.settings import get_settings

OFFICIAL_FILES = dg.AssetSpec(
    key=["landing", "official_price_files"],
    kinds={"csv"},
    description=(
        "The office's files as they were published, unchanged, by their hash: item indices (CSV or workbook), price "
        "quotes (CSV) and single series (CSV with a preamble). Written by `ons-bigdata ingest official`."
    ),
)

OTHER_FILES = dg.AssetSpec(
    key=["landing", "other_quote_files"],
    kinds={"csv"},
    description=(
        "Quote files of other sources (an aggregator, a retailer) as they were delivered, unchanged, by their hash; "
        "docs/prices/comparison/other_sources.md describes their columns. Written by `ons-bigdata ingest other-prices`."
    ),
)


def _official(kind: official_delivery.OfficialKind, description: str) -> dg.AssetsDefinition:
    """Return the raw table of one kind of official file; partitions that wait or hold a superseded file are rebuilt."""

    @dg.asset(
        key=kind.table.name.split("."), deps=[OFFICIAL_FILES], kinds={"python", "postgres"}, description=description
    )
    def raw_official(warehouse: WarehouseResource) -> dg.MaterializeResult:
        landing = warehouse.landing()
        waiting = {*landing.pending_partitions(kind.table.reader), *stale_partitions(landing, kind.table)}
        return rebuilt(landing, kind.table, sorted(waiting))

    return raw_official


@dg.asset(
    key=["raw", "other_price_quotes"],
    deps=[OTHER_FILES],
    partitions_def=partitions_of(DAYS),
    backfill_policy=dg.BackfillPolicy.single_run(),
    kinds={"python", "postgres"},
    description="One row per accepted row of another source's quote file, rebuilt day by day from all files of it.",
)
def raw_other_price_quotes(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild the days of the run from their landed files."""
    landing = warehouse.landing()
    table = raw_other_quotes(read_retailers(get_settings().dbt_project_dir))
    known = {*landing.partitions(SOURCE), *stale_partitions(landing, table)}
    days = [day for day in context.partition_keys if day in known]
    return rebuilt(landing, table, days, days_without_files=len(context.partition_keys) - len(days))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    OFFICIAL_FILES,
    OTHER_FILES,
    _official(
        official_delivery.ITEM_INDICES,
        "One row per accepted row of a file of official item indices; months that wait are rebuilt.",
    ),
    _official(
        official_delivery.PRICE_QUOTES,
        "One row per accepted row of a file of official price quotes; months that wait are rebuilt.",
    ),
    _official(official_delivery.SERIES, "One row per month of an official series; series that wait are rebuilt."),
    raw_other_price_quotes,
]
