"""What must hold of the collected quotes: none lost, none in quarantine, every day there.

Warnings are faults of the data, which are rows of the marts and stay out of the indices.
"""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.checks import expected_period_present, rows_match_ledger, table_matches_frame
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.prices import schemas
from ons_bigdata.prices.sources.delivery import READER

_LAST_DAY_DELIVERED = (
    "select max(partition)::date from ops.files, unnest(partitions) as partition"  # keys are ISO days
    " where source = 'prices' and superseded_by is null"
)
_LISTED = 40
"""Lines that a check lists; the tables have them all."""


@dg.asset_check(
    asset=dg.AssetKey(["raw", "price_quotes"]),
    description="No row of any current file is in quarantine. Each that is stands in ops.quarantine.",
)
def no_rows_quarantined(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of rows that a reader could not accept, with file, line and reason."""
    rows = warehouse.open().frame(
        """
        select files.name, quarantine.line, quarantine.reason
        from ops.quarantine
        join ops.loads using (load_id)
        join ops.files using (file_id)
        where files.source = $1 and files.superseded_by is null and loads.reader_version = $2
        order by files.name, quarantine.line
        """,
        [READER.source, READER.version],
    )
    listed = [f"{name}, line {line}: {reason}" for name, line, reason in rows.head(_LISTED).iter_rows()]
    return dg.AssetCheckResult(
        passed=rows.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": rows.height, "which": dg.MetadataValue.md(_bullets(listed))},
    )


@dg.asset_check(
    asset=dg.AssetKey(["staging", "stg_prices__quotes"]),
    description="Every day of raw.price_quotes is in staging with all its rows; each that is not is listed.",
)
def staging_holds_every_raw_day(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of days that were loaded but not staged since, with the command that mends each."""
    days = warehouse.open().frame(
        """
        with raw as (
            select collected_on, count(*) as rows from raw.price_quotes group by collected_on
        ),
        staged as (
            select collected_on, sum(listings)::bigint as rows from staging.stg_prices__quotes group by collected_on
        )
        select collected_on, coalesce(raw.rows, 0) as in_raw, coalesce(staged.rows, 0) as in_staging
        from raw
        full join staged using (collected_on)
        where coalesce(raw.rows, 0) <> coalesce(staged.rows, 0)
        order by collected_on
        """
    )
    listed = [
        f"{day}: {in_raw} rows in raw, {in_staging} in staging; `ons-bigdata materialize"
        f" --select 'staging/stg_prices__quotes*' --from {day} --to {day}`"
        for day, in_raw, in_staging in days.head(_LISTED).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=days.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"days": days.height, "which": dg.MetadataValue.md(_bullets(listed))},
    )


@dg.asset_check(
    asset=dg.AssetKey(["marts", "price_collection_days"]),
    description="Every retailer was collected on every day: no outage (empty files only), no gap (no file).",
)
def every_day_collected(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of retailer-days without quotes."""
    days = warehouse.open().frame(
        "select retailer, collected_on, status from marts.price_collection_days"
        " where status <> 'collected' order by collected_on, retailer"
    )
    listed = [f"{day} {retailer}: {status}" for retailer, day, status in days.head(_LISTED).iter_rows()]
    return dg.AssetCheckResult(
        passed=days.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"retailer_days": days.height, "which": dg.MetadataValue.md(_bullets(listed))},
    )


@dg.asset_check(
    asset=dg.AssetKey(["marts", "price_quote_counts"]),
    description="The products of every retailer, item and day are as many as expected, neither vanished nor exploded.",
)
def counts_as_expected(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of retailer-item-days that were rejected, by status; they stay out of the indices."""
    rejected = warehouse.open().frame(
        "select collected_on, retailer, item_number, status, reason from marts.price_quote_counts"
        " where status in ('too_few', 'too_many', 'missing')"
        " order by collected_on desc, retailer, item_number"
    )
    by_status = dict(rejected.group_by("status").len().sort("status").iter_rows())
    listed = [
        f"{day} {retailer} {item}: {status} ({reason})"
        for day, retailer, item, status, reason in rejected.head(_LISTED).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=rejected.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rejected": rejected.height, **by_status, "latest": dg.MetadataValue.md(_bullets(listed))},
    )


@dg.asset_check(
    asset=dg.AssetKey(["intermediate", "int_prices__quotes_excluded"]),
    description="No quote of an accepted day was kept out; each that is has its reason in the table.",
)
def no_quotes_excluded(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of single quotes that stay out of the indices, by reason."""
    excluded = warehouse.open().frame(
        "select reason, retailer, item_number, collected_on, count(*)::int as quotes"
        " from intermediate.int_prices__quotes_excluded"
        " group by reason, retailer, item_number, collected_on"
        " order by quotes desc, collected_on, retailer, item_number"
    )
    by_reason = dict(excluded.group_by("reason").agg(pl.col("quotes").sum()).sort("reason").iter_rows())
    listed = [
        f"{day} {retailer} {item}: {quotes} × {reason}"
        for reason, retailer, item, day, quotes in excluded.head(_LISTED).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=excluded.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**by_reason, "which": dg.MetadataValue.md(_bullets(listed))},
    )


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"* {line}" for line in lines) or "none"


CHECKS = [
    rows_match_ledger("raw.price_quotes", READER, partition_column="collected_on"),
    table_matches_frame("raw.price_quotes", schemas.PriceQuote),
    expected_period_present("raw.price_quotes", column="collected_on", expected=_LAST_DAY_DELIVERED),
    no_rows_quarantined,
    staging_holds_every_raw_day,
    every_day_collected,
    counts_as_expected,
    no_quotes_excluded,
]
