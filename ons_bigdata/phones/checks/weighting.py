"""Checks of weights and of estimates of travel to work, against figures that did not make them. All warn."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

MOST_TOTAL_DIFFERENCE = 0.25
"""Relative difference of persons by start weights and residents, over all zones, above which a delivery warns."""
MOST_MARGIN_DIFFERENCE = 0.01
"""Relative difference of a raked margin from its total that warns."""
MOST_CAPPED_SHARE = 0.05
"""Share of a margin that capped cells may hold."""
MOST_PAYG_DIFFERENCE = 0.10
"""Difference between the operator's share of pay-as-you-go devices and the regulator's share of phones that warns."""
LEAST_FIT = 0.5
"""R² of resident devices on residents over zones below which a delivery warns."""
LEAST_ZONES = 10
"""Zones below which no fit is judged."""

_TOTALS = """
select data_origin, provider, month, geography, round(sum(devices * start_weight)::numeric)::bigint as persons,
    round(sum(residents)::numeric)::bigint as residents
from marts.phone_weights
where segment = 'all' and start_weight is not null and residents > 0
group by data_origin, provider, month, geography
having abs(sum(devices * start_weight) / sum(residents) - 1) > $1
order by 1, 2, 3, 4
"""

_FIT = """
select data_origin, provider, month, geography, round(regr_r2(devices, residents)::numeric, 2)::double precision as fit,
    round(regr_slope(devices, residents)::numeric, 3)::double precision as slope
from marts.phone_weights
where segment = 'all' and devices is not null and residents > 0
group by data_origin, provider, month, geography
having count(*) >= $2 and (regr_r2(devices, residents) < $1 or regr_slope(devices, residents) <= 0)
order by 1, 2, 3, 4
"""

_PAYG = """
with devices as (
    select data_origin, provider, month, geography,
        sum(devices) filter (where segment ~ '(^|\\+)payg(\\+|$)') / nullif(sum(devices), 0) as share
    from marts.phone_weights
    where segment ~ '(^|\\+)(payg|contract)(\\+|$)'
    group by data_origin, provider, month, geography
),

regulator as (
    select distinct on (data_origin, geography) data_origin, geography, value
    from staging.stg_phones__population_figures
    where figure = 'payg_share' and area = 'all' and category = 'all'
    order by data_origin, geography, year desc
)

select devices.data_origin, devices.provider, devices.month, devices.geography,
    round((100 * devices.share)::numeric, 1)::double precision as delivered,
    round((100 * regulator.value)::numeric, 1)::double precision as expected
from devices
inner join regulator on devices.data_origin = regulator.data_origin and devices.geography = regulator.geography
where abs(devices.share - regulator.value) > $1
order by 1, 2, 3, 4
"""

_MARGINS = """
select data_origin, provider, month, margin, category, round(total::numeric)::bigint as total,
    round(reached::numeric)::bigint as reached
from marts.phone_weight_margins
where abs(relative_difference) > $1
order by 1, 2, 3, 4, 5
"""

_CAPPED = """
select data_origin, provider, month, margin, category,
    round((100 * capped_share)::numeric, 1)::double precision as per_cent
from marts.phone_weight_margins
where capped_share > $1
order by 1, 2, 3, 4, 5
"""

_WEIGHTS, _RAKED = "marts.phone_weights", "marts.phone_weight_margins"

CHECKS = [
    expect_no_rows(
        _WEIGHTS,
        "start_weights_give_the_residents",
        description="Devices times start weights are within 25 % of the residents: ownership and market shares fit.",
        query=_TOTALS,
        parameters=[MOST_TOTAL_DIFFERENCE],
        line="{provider} {month} ({data_origin}), {geography}: {persons} persons, {residents} residents",
    ),
    expect_no_rows(
        _WEIGHTS,
        "homes_follow_residents",
        description="Resident devices of zones rise with their residents (R² of 0.5 at least, from ten zones).",
        query=_FIT,
        parameters=[LEAST_FIT, LEAST_ZONES],
        line="{provider} {month} ({data_origin}), {geography}: R² {fit}, slope {slope}",
    ),
    expect_no_rows(
        _WEIGHTS,
        "payg_share_is_near_the_regulators",
        description="The share of pay-as-you-go devices is within ten points of the regulator's share of phones.",
        query=_PAYG,
        parameters=[MOST_PAYG_DIFFERENCE],
        line="{provider} {month} ({data_origin}), {geography}: {delivered} % delivered, {expected} % expected",
    ),
    expect_no_rows(
        _RAKED,
        "raking_reaches_the_margins",
        description="Raked weights give each total of residents, ages, sexes and tariffs to 1 %.",
        query=_MARGINS,
        parameters=[MOST_MARGIN_DIFFERENCE],
        line="{provider} {month} ({data_origin}), {margin} {category}: {reached} instead of {total}",
    ),
    expect_no_rows(
        _RAKED,
        "rake_factors_are_within_their_range",
        description="Cells whose factor is at an end of its range hold at most 5 % of a margin.",
        query=_CAPPED,
        parameters=[MOST_CAPPED_SHARE],
        line="{provider} {month} ({data_origin}), {margin} {category}: {per_cent} % in capped cells",
    ),
]
