"""What must hold of the prices pilot's assets, and when they run by themselves.

Blocking: what would make a figure wrong (rows lost, an index that runs against its prices). Warnings: faults of
the data, which are rows of the marts and stay out of the indices.
"""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.automation import SCRAPES_DONE, daily_schedule
from ons_bigdata.platform.checks import expected_period_present, rows_match_ledger, table_matches_frame
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.prices import schemas
from ons_bigdata.prices.sources.delivery import READER

_LAST_DAYS_WITH_QUOTES = """
    select loads.data_origin, max(days.last_day)
    from (select load_id, max(collected_on) as last_day from raw.price_quotes group by load_id) as days
    join ops.loads using (load_id)
    group by loads.data_origin
"""
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
    description="No quote of an accepted day was kept out: unknown item, ambiguous listing or price error.",
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


_MOVEMENTS = """
with priced as (
    select data_origin, retailer, item_number, product, collected_on, ln(price_gbp) as log_price,
        lag(ln(price_gbp)) over product_days as log_price_before,
        lag(collected_on) over product_days as day_before
    from intermediate.int_prices__quotes_accepted
    window product_days as (
        partition by data_origin, retailer, item_number, product order by collected_on
    )
),
adjacent as (
    select data_origin, retailer, item_number, collected_on,
        count(*)::int as products, avg(log_price - log_price_before) as mean_log_relative
    from priced
    where day_before = collected_on - 1
    group by data_origin, retailer, item_number, collected_on
),
chained as (
    select data_origin, retailer, item_number, period, products, segment,
        ln(level) - lag(ln(level)) over stratum as movement,
        lag(period) over stratum as period_before, lag(segment) over stratum as segment_before
    from analysis.elementary_price_indices
    where method = 'jevons_chained'
    window stratum as (partition by data_origin, retailer, item_number order by period)
)
select chained.retailer, chained.item_number, chained.period, chained.movement, adjacent.mean_log_relative
from chained
join adjacent
    on adjacent.data_origin = chained.data_origin and adjacent.retailer = chained.retailer
    and adjacent.item_number = chained.item_number and adjacent.collected_on = chained.period
where chained.period_before = chained.period - 1 and chained.segment = chained.segment_before
    and chained.products = adjacent.products
"""
"""Daily movements of chained indices beside the mean log relative of the products priced on both days."""

_STRATA_WITH_MOVEMENTS = """
select count(*)
from (
    select from analysis.elementary_price_indices
    where method = 'jevons_chained' and level is not null
    group by data_origin, retailer, item_number
    having count(*) > 1
) as strata
"""
"""How many retailers' items have a chained index of two days or more."""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "elementary_price_indices"]),
    blocking=True,
    description=(
        "Chained indices move the way their prices move, worked out anew in SQL: a published index was once inverted."
    ),
)
def indices_follow_prices(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare each daily movement with the mean log relative of the products priced on both days.

    Where every linked product was priced on the day before, the two are the same number; this is the
    test. Where some link over a gap they may differ and are not compared. Warn where there are chained indices of
    two days or more and yet nothing could be compared: then nothing was tested.
    """
    store = warehouse.open()
    movements = store.frame(_MOVEMENTS)
    wrong = movements.filter((pl.col("movement") - pl.col("mean_log_relative")).abs() > 1e-9)
    (strata,) = store.frame(_STRATA_WITH_MOVEMENTS).row(0)
    untested = movements.is_empty() and strata > 0
    return dg.AssetCheckResult(
        passed=wrong.is_empty() and not untested,
        severity=dg.AssetCheckSeverity.WARN if untested else dg.AssetCheckSeverity.ERROR,
        metadata={
            "movements_compared": movements.height,
            "strata_of_two_days_or_more": strata,
            "wrong": wrong.height,
            "examples": str(wrong.head(5).to_dicts()),
        },
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
    table_matches_frame("analysis.elementary_price_indices", schemas.ElementaryIndex),
    indices_follow_prices,
    table_matches_frame("analysis.aggregate_price_indices", schemas.AggregateIndex),
    expected_period_present("marts.price_indices", column="period", expected=_LAST_DAYS_WITH_QUOTES, by="data_origin"),
]

DAILY_SCHEDULE = daily_schedule("prices_daily", dg.AssetSelection.groups("prices"), cron=SCRAPES_DONE)
