"""Checks of the population present and of visitors: no more persons than residents, parts within their totals."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

_MORE = """
with residents as (
    select data_origin, geography, sum(residents) as residents
    from (
        select distinct on (data_origin, geography, code) data_origin, geography, code, residents
        from staging.stg_phones__zones
        where residents is not null
        order by data_origin, geography, code, load_id, line
    ) as areas
    group by data_origin, geography
)

select present.data_origin, present.provider, present.month, present.day_type, present.period,
    round(sum(present.persons)::numeric)::bigint as persons, max(residents.residents)::bigint as residents
from published.population_present as present
inner join residents using (data_origin, geography)
where present.persons is not null
group by 1, 2, 3, 4, 5
having sum(present.persons) > max(residents.residents) + 5 * count(*)
order by 1, 2, 3, 4, 5
"""

_ALONE = """
select data_origin, provider, month, day_type, period, count(*)::int as areas
from published.population_present
group by 1, 2, 3, 4, 5
having count(*) > 1 and count(*) filter (where status <> 'published') = 1
order by 1, 2, 3, 4, 5
"""

_VISITORS = """
select data_origin, provider, month, direction, country, count(*)::int as areas
from published.visitor_nights
where area <> 'all'
group by 1, 2, 3, 4, 5
having count(*) > 1 and count(*) filter (where status <> 'published') = 1
order by 1, 2, 3, 4, 5
"""

_LINE = "{provider} {month} ({data_origin}), {day_type}, {period}"

CHECKS = [
    expect_no_rows(
        "published.population_present",
        "no_more_persons_than_residents",
        description="The persons present in all areas are not more than the residents, but for rounding.",
        query=_MORE,
        line=f"{_LINE}: {{persons}} persons, {{residents}} residents",
        blocking=True,
    ),
    expect_no_rows(
        "published.population_present",
        "no_area_is_hidden_alone",
        description="In no period is a single area hidden, whose persons would follow from the residents.",
        query=_ALONE,
        line=f"{_LINE}: one of {{areas}} areas is hidden",
        blocking=True,
    ),
    expect_no_rows(
        "published.visitor_nights",
        "no_area_of_visitors_is_hidden_alone",
        description="Of the areas of a country and direction no single one is hidden beside their total.",
        query=_VISITORS,
        line="{provider} {month} ({data_origin}), {direction}, {country}: one of {areas} areas is hidden",
        blocking=True,
    ),
]
