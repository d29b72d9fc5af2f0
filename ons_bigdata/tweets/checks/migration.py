"""Checks of residence and migration: sums of tables agree, and as many users as in the pilot can be placed."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

PILOTS_SHARE = 711_548 / 1_164_616
"""Users of the pilot of 2015 with a valid cluster, of all its users."""
TOLERANCE = 0.1
LEAST_USERS = 500
"""Users below which the share says little."""

_SUMS_OF_FLOWS = """
with sides as (
    select recipe, data_origin, period, destination as area, 'in' as side, sum(moves)::bigint as flows
    from restricted.tweet_migration_flows
    where level = 'region'
    group by recipe, data_origin, period, destination
    union all
    select recipe, data_origin, period, origin as area, 'out' as side, sum(moves)::bigint as flows
    from restricted.tweet_migration_flows
    where level = 'region'
    group by recipe, data_origin, period, origin
),

areas as (
    select recipe, data_origin, period, area, side, moves
    from restricted.tweet_area_migration
    cross join lateral (values ('in', moves_in), ('out', moves_out)) as counted (side, moves)
    where level = 'region'
)

select recipe, data_origin, period, area, side, coalesce(flows, 0) as flows, coalesce(moves, 0) as moves
from sides
full join areas using (recipe, data_origin, period, area, side)
where coalesce(flows, 0) <> coalesce(moves, 0)
order by recipe, data_origin, period, area, side
"""

_TIME_AT_RISK = """
with lived as (
    select recipe, data_origin, user_key, period, sum(months) as months
    from restricted.tweet_time_at_risk
    group by recipe, data_origin, user_key, period
)

select recipe, data_origin, period, count(*) as users
from lived
where months * 30.4375 > (period + interval '1 month')::date - period + 0.01
group by recipe, data_origin, period
order by recipe, data_origin, period
"""

_SHARE_WITH_A_CLUSTER = """
with users as (
    select recipe, data_origin, count(*) as users, avg((valid_clusters > 0)::int)::double precision as found
    from restricted.tweet_users
    where robot_rule is null and clustered_events + noise_events > 0
    group by recipe, data_origin
)

select recipe, data_origin, users, round((found * 100)::numeric, 1)::double precision as found,
    round(($1::double precision * 100)::numeric, 1)::double precision as expected
from users
where users >= $2 and abs(found - $1) > $3
order by recipe, data_origin
"""

CHECKS = [
    expect_no_rows(
        "restricted.tweet_area_migration",
        "moves_of_regions_are_those_of_flows",
        description="Users who moved into and out of a region in a quarter are those of its flows.",
        query=_SUMS_OF_FLOWS,
        line="{recipe} ({data_origin}), {period}, {area}: {moves} moves {side}, the flows have {flows}",
        blocking=True,
    ),
    expect_no_rows(
        "restricted.tweet_time_at_risk",
        "nobody_is_at_risk_for_longer_than_a_month_has",
        description="The time at risk of a user in a month, in all areas, is at most the days of the month.",
        query=_TIME_AT_RISK,
        line="{recipe} ({data_origin}), {period}: {users} users",
        blocking=True,
    ),
    expect_no_rows(
        "restricted.tweet_users",
        "share_with_a_valid_cluster_is_near_the_pilots",
        description="Of the users with events within coverage, robots left out, the share with a valid cluster is "
        "within ten points of that of the pilot of 2015, 61.1 %; from 500 users on.",
        query=_SHARE_WITH_A_CLUSTER,
        parameters=[PILOTS_SHARE, LEAST_USERS, TOLERANCE],
        line="{recipe} ({data_origin}): {found} % of {users} users, the pilot had {expected} %",
    ),
]
