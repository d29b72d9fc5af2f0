"""Checks of the collected quotes: no row lost, none in quarantine, no day missing.

Faults of the data warn: they are rows of the marts and stay out of the indices.
"""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.checks import (
    expect_no_rows,
    expected_period_present,
)
from ons_bigdata.platform.ingest.landing import PENDING_PARTITIONS
from ons_bigdata.prices.sources.price_files import PRICE_FILES

_LAST_DAY_DELIVERED = (
    "select max(partition)::date from ops.files, unnest(partitions) as partition"  # keys are ISO days
    " where source = 'prices' and superseded_by is null"
)

STAGING_HOLDS_EVERY_RAW_DAY = expect_no_rows(
    "staging.stg_prices__quotes",
    "staging_holds_every_raw_day",
    description=(
        "Staging has all rows of every day of raw.price_quotes, as the ledger and the records of built days count them;"
        " days that wait to be loaded are not compared. Days that differ are listed with the command that rebuilds"
        " them."
    ),
    # no quote is read but those that were listed more than once, which have an index
    query=f"""
        with waiting as ({PENDING_PARTITIONS}),
        raw as (
            select written.partition::date as collected_on, sum(written.accepted)::bigint as rows
            from ops.load_partitions as written
            join ops.loads using (load_id)
            join ops.files using (file_id)
            where files.source = $1 and loads.reader = $2 and loads.reader_version = $3
                and files.superseded_by is null and written.accepted > 0
            group by written.partition
        ),
        repeated as (
            select collected_on, sum(listings - 1)::bigint as rows
            from staging.stg_prices__quotes where listings > 1 group by collected_on
        ),
        staged as (
            select days.day as collected_on, days.rows_of_day + coalesce(repeated.rows, 0) as rows
            from ops.table_days as days left join repeated on days.day = repeated.collected_on
            where days.table_name = 'staging.stg_prices__quotes' and days.rows_of_day > 0
        )
        select collected_on, coalesce(raw.rows, 0) as in_raw, coalesce(staged.rows, 0) as in_staging
        from raw
        full join staged using (collected_on)
        where coalesce(raw.rows, 0) <> coalesce(staged.rows, 0)
            and collected_on not in (select waiting.partition::date from waiting)
        order by collected_on
    """,  # noqa: S608  (our own query)
    parameters=[PRICE_FILES.reader.source, PRICE_FILES.reader.name, PRICE_FILES.reader.version],
    line=(
        "{collected_on}: {in_raw} rows in raw, {in_staging} in staging; `ons-bigdata materialize"
        " --select 'staging/stg_prices__quotes*' --from {collected_on} --to {collected_on}`"
    ),
    partition="collected_on",
)

CHECKS: list[dg.AssetChecksDefinition] = [
    expected_period_present("raw.price_quotes", column="collected_on", expected=_LAST_DAY_DELIVERED),
    STAGING_HOLDS_EVERY_RAW_DAY,
    expect_no_rows(
        "marts.price_collection_days",
        "every_day_collected",
        description="Every retailer was collected as its rhythm expects: no outage (empty files), gap or frozen shop.",
        query="select retailer, collected_on, status from marts.price_collection_days"
        " where status <> 'collected' order by collected_on, retailer",
        line="{collected_on} {retailer}: {status}",
        by=("status", pl.len()),
        partition="collected_on",
    ),
    expect_no_rows(
        "marts.price_quote_counts",
        "counts_as_expected",
        description=(
            "The number of products of every retailer, item and day is within the band around the expected number."
            " Rejected days stay out of the indices. The latest are listed first."
        ),
        query="select collected_on, retailer, item_number, status, reason from marts.price_quote_counts"
        " where status in ('too_few', 'too_many', 'missing')"
        " order by collected_on desc, retailer, item_number",
        line="{collected_on} {retailer} {item_number}: {status} ({reason})",
        by=("status", pl.len()),
        partition="collected_on",
    ),
    expect_no_rows(
        "intermediate.int_prices__quotes_excluded",
        "no_quotes_excluded",
        description="No quote of a day that enters an index is excluded; excluded quotes are listed by reason.",
        query="select reason, retailer, item_number, collected_on, count(*)::int as quotes"
        " from intermediate.int_prices__quotes_excluded"
        " group by reason, retailer, item_number, collected_on"
        " order by quotes desc, collected_on, retailer, item_number",
        line="{collected_on} {retailer} {item_number}: {quotes} × {reason}",
        by=("reason", pl.col("quotes").sum()),
        partition="collected_on",
    ),
]
