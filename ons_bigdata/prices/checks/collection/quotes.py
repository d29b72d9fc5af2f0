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

_LAST_DAY_DELIVERED = (
    "select max(partition)::date from ops.files, unnest(partitions) as partition"  # keys are ISO days
    " where source = 'prices' and superseded_by is null"
)

STAGING_HOLDS_EVERY_RAW_DAY = expect_no_rows(
    "staging.stg_prices__quotes",
    "staging_holds_every_raw_day",
    description=(
        "Staging has all rows of every day of raw.price_quotes. Days that differ are listed with the command that"
        " rebuilds them."
    ),
    query="""
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
    """,
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
        description="Every retailer was collected on every day: no outage (empty files only), no gap (no file).",
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
