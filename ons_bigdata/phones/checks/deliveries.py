"""Checks of deliveries. What contradicts itself blocks; what is unusual warns."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

LEAST_PENETRATION, MOST_PENETRATION = 0.05, 0.80
"""Devices for each resident outside of which a zone warns."""
MOST_SUPPRESSED_SHARE = 0.30
"""Share of the greatest possible flow that suppressed cells may have before a delivery warns."""
MOST_CHANGE = 0.20
"""Relative change of the total against the mean of the three months before that warns."""
MOST_DAY_CV = 0.35
"""Coefficient of variation of the active devices from day to day that warns."""
MOST_ASYMMETRY = 0.80
"""Share of the flow between two zones that goes one way, over all pairs, that warns."""
FAR_M = 2_000.0
"""Mean radius of cells above which a zone's flows within it are too large."""

_EXCEEDING = """
with totals as (
    select data_origin, provider, month, origin_code as zone, max(lower) as workers
    from staging.stg_phones__flows
    where cell_kind = 'origin_total' and segment = 'all'
    group by data_origin, provider, month, origin_code
)

select totals.*, margins.devices
from totals
inner join staging.stg_phones__zone_margins as margins using (data_origin, provider, month, zone)
where margins.segment = 'all' and margins.active_on is null and totals.workers > margins.devices + 0.5
order by 1, 2, 3, 4
"""

_VINTAGES = """
select data_origin, provider, month, string_agg(distinct vintage, ', ' order by vintage) as vintages,
    count(distinct spec_id)::int as specifications
from staging.stg_phones__flows
group by data_origin, provider, month
having count(distinct vintage) > 1 or count(distinct spec_id) > 1
order by 1, 2, 3
"""

_SUPPRESSED = """
select data_origin, provider, month, segment, day_type,
    round((100 * hidden_mass / nullif(most, 0))::numeric, 1)::double precision as per_cent
from marts.phone_deliveries
where hidden_mass > $1 * most
order by 1, 2, 3, 4, 5
"""

_PENETRATION = """
select data_origin, provider, month, zone, penetration
from staging.stg_phones__zone_margins
where active_on is null and segment = 'all' and (penetration < $1 or penetration > $2)
order by 1, 2, 3, 4
"""

_LOOKBACK = """
with totals as (
    select data_origin, provider, month, segment, day_type, (least + coalesce(most, least)) / 2 as total
    from marts.phone_deliveries
),

compared as (
    select *,
        avg(total) over (
            partition by data_origin, provider, segment, day_type
            order by month rows between 3 preceding and 1 preceding
        ) as before
    from totals
)

select data_origin, provider, month, segment, day_type, round(total::numeric)::bigint as total,
    round(before::numeric)::bigint as before
from compared
where before > 0 and abs(total / before - 1) > $1
order by 1, 2, 3, 4, 5
"""

_DAYS = """
select data_origin, provider, month, zone,
    round((stddev_samp(devices) / avg(devices))::numeric, 2)::double precision as cv
from staging.stg_phones__zone_margins
where active_on is not null and segment = 'all' and devices is not null
group by data_origin, provider, month, zone
having count(*) > 5 and avg(devices) > 0 and stddev_samp(devices) > $1 * avg(devices)
order by 1, 2, 3, 4
"""

_ASYMMETRY = """
with pairs as (
    select data_origin, provider, month, segment, day_type, origin_code, dest_code, coalesce(devices, persons) as flow
    from staging.stg_phones__flows
    where cell_kind = 'pair' and origin_code <> dest_code and status in ('observed', 'rounded')
)

select there.data_origin, there.provider, there.month, there.segment, there.day_type,
    round((sum(abs(there.flow - back.flow)) / sum(there.flow + back.flow))::numeric, 2)::double precision as share
from pairs as there
inner join pairs as back
    on there.data_origin = back.data_origin and there.provider = back.provider and there.month = back.month
        and there.segment = back.segment and there.day_type = back.day_type
        and there.origin_code = back.dest_code and there.dest_code = back.origin_code
where there.origin_code < there.dest_code
group by 1, 2, 3, 4, 5
having sum(abs(there.flow - back.flow)) > $1 * sum(there.flow + back.flow)
order by 1, 2, 3, 4, 5
"""

_RURAL = """
select data_origin, provider, month, count(*)::int as zones
from staging.stg_phones__coverage
where mean_cell_radius_m > $1
group by data_origin, provider, month
order by 1, 2, 3
"""

_DIFFERENCING = """
with parts as (
    select data_origin, provider, month, day_type, origin_code, dest_code,
        count(*) filter (where status = 'suppressed') as hidden,
        count(*) filter (where status in ('observed', 'rounded')) as shown
    from staging.stg_phones__flows
    where cell_kind = 'pair' and segment in ('contract', 'payg')
    group by 1, 2, 3, 4, 5, 6
)

select parts.data_origin, parts.provider, parts.month, count(*)::int as cells
from parts
inner join staging.stg_phones__flows as whole
    on parts.data_origin = whole.data_origin and parts.provider = whole.provider and parts.month = whole.month
        and parts.day_type = whole.day_type and parts.origin_code = whole.origin_code
        and parts.dest_code = whole.dest_code
where whole.segment = 'all' and whole.status in ('observed', 'rounded') and parts.hidden = 1 and parts.shown = 1
group by 1, 2, 3
order by 1, 2, 3
"""

_FLOWS, _MARGINS = "staging.stg_phones__flows", "staging.stg_phones__zone_margins"

CHECKS = [
    expect_no_rows(
        "marts.phone_deliveries",
        "flows_do_not_exceed_residents",
        description="No zone has more workers in a table of flows than resident devices in the table of margins.",
        query=_EXCEEDING,
        line="{provider} {month} ({data_origin}), {zone}: {workers} workers, {devices} resident devices",
        blocking=True,
    ),
    expect_no_rows(
        _FLOWS,
        "one_vintage_and_specification_a_month",
        description="All tables of flows of a provider and month have one vintage of codes and one specification.",
        query=_VINTAGES,
        line="{provider} {month} ({data_origin}): vintages {vintages}, {specifications} specifications",
        partition="month",
        blocking=True,
    ),
    expect_no_rows(
        "marts.phone_deliveries",
        "little_is_suppressed",
        description="Suppressed cells have at most 30 % of the greatest possible flow of a table.",
        query=_SUPPRESSED,
        parameters=[MOST_SUPPRESSED_SHARE],
        line="{provider} {month} ({data_origin}), {segment}, {day_type}: up to {per_cent} % suppressed",
    ),
    expect_no_rows(
        "marts.phone_deliveries",
        "totals_are_near_those_before",
        description="The total of a table is within 20 % of the mean of the three months before.",
        query=_LOOKBACK,
        parameters=[MOST_CHANGE],
        line="{provider} {month} ({data_origin}), {segment}, {day_type}: {total}, before {before}",
    ),
    expect_no_rows(
        _FLOWS,
        "flows_go_both_ways",
        description="Of the flow between two zones at most 80 % goes one way, over all pairs with numbers.",
        query=_ASYMMETRY,
        parameters=[MOST_ASYMMETRY],
        line="{provider} {month} ({data_origin}), {segment}, {day_type}: {share} goes one way",
    ),
    expect_no_rows(
        _FLOWS,
        "no_segment_follows_by_difference",
        description="No suppressed count of contract or pay-as-you-go devices follows from the count of all devices.",
        query=_DIFFERENCING,
        line="{provider} {month} ({data_origin}): {cells} suppressed cells follow by difference",
    ),
    expect_no_rows(
        _MARGINS,
        "penetration_is_plausible",
        description="Devices for each resident lie between 5 and 80 %.",
        query=_PENETRATION,
        parameters=[LEAST_PENETRATION, MOST_PENETRATION],
        line="{provider} {month} ({data_origin}), {zone}: {penetration}",
    ),
    expect_no_rows(
        _MARGINS,
        "days_are_alike",
        description="The active devices of a zone vary from day to day by at most 35 % (coefficient of variation).",
        query=_DAYS,
        parameters=[MOST_DAY_CV],
        line="{provider} {month} ({data_origin}), {zone}: {cv}",
    ),
    expect_no_rows(
        "staging.stg_phones__coverage",
        "cells_are_small",
        description="No zone has cells of more than 2 km mean radius; flows within such zones are too large.",
        query=_RURAL,
        parameters=[FAR_M],
        line="{provider} {month} ({data_origin}): {zones} zones with cells above 2 km",
    ),
]
