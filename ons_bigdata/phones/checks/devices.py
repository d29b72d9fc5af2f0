"""Checks of devices: the rules against the delivery under the same specification, and anchors against truth."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

MOST_DIFFERENT_SHARE = 0.05
"""Share of the cells of a delivery that the executable rules may give otherwise before it warns."""
MOST_OTHER_TOTAL = 0.50
"""Relative difference of the totals above which the events are taken for a sample of the delivery's devices."""
WORSE_THAN_ORACLE = 0.02
"""Points by which the share of right cells may fall short of that of the nearest mast."""

_REPRODUCED = """
select data_origin, provider, month, segment, count(*)::int as cells,
    count(*) filter (
        where rule_devices is distinct from delivered_devices
            or (rule_status = 'suppressed') <> (delivered_status = 'suppressed')
    )::int as different
from marts.phone_flow_reproduction
where delivered_status is not null
group by 1, 2, 3, 4
having
    count(*) filter (
        where rule_devices is distinct from delivered_devices
            or (rule_status = 'suppressed') <> (delivered_status = 'suppressed')
    ) > $1 * count(*)
    and abs(sum(rule_devices) filter (where difference is not null) - sum(delivered_devices) filter (
        where difference is not null
    )) <= $2 * sum(delivered_devices) filter (where difference is not null)
order by 1, 2, 3, 4
"""

_ORACLE = """
select found.provider, found.month, found.measure, found.area_class, round(found.value::numeric, 3)::text as share,
    round(oracle.value::numeric, 3)::text as of_nearest
from marts.phone_anchor_accuracy as found
inner join marts.phone_anchor_accuracy as oracle
    on found.data_origin = oracle.data_origin and found.provider = oracle.provider and found.month = oracle.month
        and found.area_class = oracle.area_class
        and oracle.measure = replace(found.measure, '_right', '_oracle')
where found.measure in ('home_right', 'work_right') and found.value < oracle.value - $1
order by 1, 2, 3, 4
"""

CHECKS = [
    expect_no_rows(
        "marts.phone_flow_reproduction",
        "rules_reproduce_the_delivery",
        description=(
            "At most 5 % of the cells of a delivery differ from those of the executable rules on its events; where the "
            "totals differ by more than 50 %, the events are those of a sample, and nothing is compared."
        ),
        query=_REPRODUCED,
        parameters=[MOST_DIFFERENT_SHARE, MOST_OTHER_TOTAL],
        line="{provider} {month} ({data_origin}), {segment}: {different} of {cells} cells differ",
    ),
    expect_no_rows(
        "marts.phone_anchor_accuracy",
        "anchors_are_as_good_as_the_nearest_mast",
        description="The share of right cells is at most 2 points below that of the mast nearest to the true place.",
        query=_ORACLE,
        parameters=[WORSE_THAN_ORACLE],
        line="{provider} {month}, {measure}, {area_class}: {share}, nearest mast {of_nearest}",
    ),
]
