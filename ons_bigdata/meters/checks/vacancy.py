"""Checks of vacancy: the stock balances with its flows, and the share of vacant homes is that of a housing stock."""

from __future__ import annotations

from ons_bigdata.meters.assets.vacancy import VACANCY
from ons_bigdata.platform.dagster.checks import expect_no_rows

VACANT_SHARE = (0.005, 0.15)
"""Share of vacant homes of all homes of a format between which it is plausible: by county 1.4 to 8.5 % in Ireland."""

_EXPECTED_BALANCE = """
with series as (
    select *, lag(expected_stock, 1, 0::bigint) over (
        partition by data_origin, format, group_kind, home_group order by quarter
    ) as before
    from analysis.meter_vacancy_controlled
    where status = 'published'
)

select format, data_origin, group_kind, home_group, quarter::text as quarter, expected_stock as stock,
    before + expected_became_vacant - expected_occupied_again + expected_appeared - expected_disappeared as expected
from series
where expected_stock is distinct from
    before + expected_became_vacant - expected_occupied_again + expected_appeared - expected_disappeared
order by 1, 2, 3, 4, 5
"""

_BALANCE = """
with series as (
    select *, lag(stock, 1, 0::bigint) over (
        partition by data_origin, format, group_kind, home_group order by quarter
    ) as before
    from analysis.meter_vacancy_controlled
    where status = 'published'
)

select format, data_origin, group_kind, home_group, quarter::text as quarter, stock,
    before + became_vacant - occupied_again + appeared - disappeared as expected
from series
where stock is distinct from before + became_vacant - occupied_again + appeared - disappeared
order by 1, 2, 3, 4, 5
"""

_BAND = """
select format, data_origin, quarter::text as quarter, round(100 * vacant_share::numeric, 1)::double precision as percent
from analysis.meter_vacancy_controlled
where group_kind = 'all' and vacant_share not between $1::double precision and $2::double precision
order by 1, 2, 3
"""

CHECKS = [
    expect_no_rows(
        VACANCY,
        "stock_balances_with_its_flows",
        description="Vacant homes = those of the quarter before + into - out + appeared - disappeared, in each group.",
        query=_BALANCE,
        line="{format} ({data_origin}), {group_kind} {home_group}, {quarter}: {stock}, expected {expected}",
        blocking=True,
    ),
    expect_no_rows(
        VACANCY,
        "expected_stock_balances_with_its_flows",
        description="Expected vacant homes = those of the quarter before + into - out + appeared - disappeared.",
        query=_EXPECTED_BALANCE,
        line="{format} ({data_origin}), {group_kind} {home_group}, {quarter}: {stock}, expected {expected}",
        blocking=True,
    ),
    expect_no_rows(
        VACANCY,
        "share_of_vacant_homes_is_plausible",
        description=f"The share of vacant homes is {VACANT_SHARE[0]:.1%} to {VACANT_SHARE[1]:.0%}.",
        query=_BAND,
        parameters=list(VACANT_SHARE),
        line="{format} ({data_origin}), {quarter}: {percent} % vacant",
    ),
]
