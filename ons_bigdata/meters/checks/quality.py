"""Checks of quality: every reading is judged, every day is a row, units and clocks are plausible."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.meters.assets.quality import ASSESSED_READINGS, DAYS, METERS, QUALITY, SUSPICIONS
from ons_bigdata.meters.calendar import ZONES
from ons_bigdata.meters.methods.clock import infer_clock_convention
from ons_bigdata.meters.methods.days import COUNTED_STATES
from ons_bigdata.platform.dagster.checks import expect_no_rows, table_key
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.lake.tables import bucket_of

MOST_MISSING_SHARE = 0.1
"""Share of missing half hours of the files of a format above which it warns; the Irish trial lacks 4.7 per cent."""
MOST_ZERO_SHARE = 0.2
"""Share of zero runs above which a format warns: about one home in four has many zeros, an export or a dead channel."""
MEAN_KWH_PER_DAY = (3.0, 30.0)
"""Mean daily consumption of the meters of a format between which homes and small businesses lie."""
CLOCK_METERS = 100
"""Most meters of a format whose habits vote on its clock."""

_COUNTED = ", ".join(f"'{state}'" for state in COUNTED_STATES)

_JUDGED = f"""
with judged as (
    select meter_key, sum(readings) filter (where state <> 'missing_row') as half_hours,
        sum(readings) filter (where state in ({_COUNTED})) as readings
    from restricted.meter_quality
    group by meter_key
),

in_days as (select meter_key, sum(readings) as readings from restricted.meter_days group by meter_key)

select meters.format, meters.data_origin, count(*) as meters
from restricted.meters
left join judged using (meter_key)
left join in_days using (meter_key)
where meters.half_hours <> coalesce(judged.half_hours, 0)
    or meters.readings <> coalesce(judged.readings, 0)
    or meters.readings <> coalesce(in_days.readings, 0)
group by meters.format, meters.data_origin
order by 1, 2
"""  # noqa: S608  (our own states)

_RECTANGLE = """
with days as (
    select meter_key, count(*) as days, count(distinct day) as distinct_days, min(day) as first_day,
        max(day) as last_day
    from restricted.meter_days
    group by meter_key
)

select meters.format, meters.data_origin, count(*) as meters
from restricted.meters
left join days using (meter_key)
where coalesce(days.days, 0) <> coalesce(meters.last_day - meters.first_day + 1, 0)
    or days.days <> days.distinct_days
    or days.first_day <> meters.first_day
    or days.last_day <> meters.last_day
group by meters.format, meters.data_origin
order by 1, 2
"""

_CHANGE_DAYS = """
select meters.format, day, cardinality(kwh_halfhours) as half_hours, count(*) as meters,
    round(extract(epoch from (day + 1)::timestamp at time zone timezone - day::timestamp at time zone timezone) / 1800)
        ::int as expected
from restricted.meter_days
join restricted.meters using (meter_key)
where cardinality(kwh_halfhours) <> round(
    extract(epoch from (day + 1)::timestamp at time zone timezone - day::timestamp at time zone timezone) / 1800
)
group by meters.format, day, cardinality(kwh_halfhours), timezone
order by 1, 2
"""

_SHARES = """
with states as (
    select format, data_origin, sum(quality.readings) as half_hours,
        sum(quality.readings) filter (where state in ('missing_row', 'null_token', 'error_code')) as missing,
        coalesce(sum(quality.readings) filter (where state = 'zero_run'), 0) as zeros
    from restricted.meter_quality as quality
    join restricted.meters using (meter_key)
    group by format, data_origin
)

select format, data_origin, round(100.0 * coalesce({column}, 0) / half_hours, 1)::double precision as percent
from states
where coalesce({column}, 0) > {most} * half_hours
order by 1, 2
"""

_MEANS = """
with means as (
    select format, data_origin, avg(kwh_per_day) as kwh_per_day
    from restricted.meters
    where kwh_per_day > 0
    group by format, data_origin
)

select format, data_origin, round(kwh_per_day::numeric, 2)::double precision as kwh_per_day
from means
where kwh_per_day not between $1::double precision and $2::double precision
order by 1, 2
"""

_SUSPICIONS = """
select format, data_origin, suspicion, count(distinct meter_key) as meters, count(*) as stretches
from restricted.meter_suspicions
join restricted.meters using (meter_key)
group by format, data_origin, suspicion
order by 1, 2, 3
"""

_METERS_OF_FORMAT = """
select format, meter_key
from (
    select format, meter_key, row_number() over (partition by format order by meter_key) as place
    from restricted.meters
    where readings > 0
) as numbered
where place <= $1
order by 1, 2
"""


@dg.asset_check(
    asset=table_key(DAYS),
    name="clocks_are_read_right",
    description="Times of the readings of each format are in UTC, by the habits of its homes about clock changes.",
)
def clocks_are_read_right(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Infer the clock of some meters of each format from the readings as they were read."""
    store, lake = warehouse.open(), warehouse.lake()
    meters = store.frame(_METERS_OF_FORMAT, [CLOCK_METERS])
    buckets = meters.select(bucket_of(pl.col("meter_key"), ASSESSED_READINGS.buckets))["meter_key"].unique().to_list()
    counted = lake.scan(ASSESSED_READINGS, buckets=buckets).filter(pl.col("state").is_in(COUNTED_STATES))
    conventions: dict[str, str] = {}
    for name in meters["format"].unique().sort():
        keys = meters.filter(pl.col("format") == name)["meter_key"]
        readings = counted.filter(pl.col("meter_key").is_in(keys.implode())).select(
            "started_at", "kwh", meter="meter_key"
        )
        conventions[name] = infer_clock_convention(readings.collect(), ZONES[name]).convention
    wrong = {name: found for name, found in conventions.items() if found not in {"utc", "undecided"}}
    return dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"formats": len(conventions), **conventions},
    )


CHECKS = [
    expect_no_rows(
        QUALITY,
        "every_reading_is_judged",
        description="Each half hour of the lake has one state, and those that count are in meter-days, meter by meter.",
        query=_JUDGED,
        line="{format} ({data_origin}): {meters} meters differ",
        blocking=True,
    ),
    expect_no_rows(
        DAYS,
        "every_day_is_a_row",
        description="One row per meter and local day from its first day to its last one.",
        query=_RECTANGLE,
        line="{format} ({data_origin}): {meters} meters differ",
        blocking=True,
    ),
    expect_no_rows(
        DAYS,
        "days_have_their_half_hours",
        description="46 half hours in the day of the spring change, 50 in that of the autumn change, else 48.",
        query=_CHANGE_DAYS,
        line="{format}, {day}: {half_hours} half hours of {meters} meters, expected {expected}",
        blocking=True,
    ),
    expect_no_rows(
        QUALITY,
        "few_half_hours_are_missing",
        description=f"At most {MOST_MISSING_SHARE:.0%} of the half hours of a format have no reading.",
        query=_SHARES.format(column="missing", most=MOST_MISSING_SHARE),
        line="{format} ({data_origin}): {percent} % missing",
    ),
    expect_no_rows(
        QUALITY,
        "few_half_hours_are_in_zero_runs",
        description=f"At most {MOST_ZERO_SHARE:.0%} of the half hours of a format are in runs of 48 zeros or more.",
        query=_SHARES.format(column="zeros", most=MOST_ZERO_SHARE),
        line="{format} ({data_origin}): {percent} % in zero runs",
    ),
    expect_no_rows(
        METERS,
        "mean_consumption_is_that_of_homes",
        description=f"Mean of a format's meters is {MEAN_KWH_PER_DAY[0]} to {MEAN_KWH_PER_DAY[1]} kWh a day.",
        query=_MEANS,
        parameters=list(MEAN_KWH_PER_DAY),
        line="{format} ({data_origin}): {kwh_per_day} kWh a day",
    ),
    expect_no_rows(
        SUSPICIONS,
        "no_stretch_looks_wrong",
        description="No units that cannot be kWh, factors of ten, bad days, or first hours that repeat the day before.",
        query=_SUSPICIONS,
        line="{format} ({data_origin}): {suspicion}: {stretches} stretches of {meters} meters",
    ),
    clocks_are_read_right,
]
