"""What must hold of the daily indices. Blocking: an index that runs against its prices."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.checks import expected_period_present
from ons_bigdata.platform.dagster.resources import WarehouseResource

_LAST_DAYS_WITH_QUOTES = """
    select loads.data_origin, max(days.last_day)
    from (select load_id, max(collected_on) as last_day from raw.price_quotes group by load_id) as days
    join ops.loads using (load_id)
    group by loads.data_origin
"""

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


CHECKS = [
    indices_follow_prices,
    expected_period_present("marts.price_indices", column="period", expected=_LAST_DAYS_WITH_QUOTES, by="data_origin"),
]
