"""Checks of places: no event is lost between the levels, and events of a country lie in it."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

_EVENTS_BY_RECIPE = """
with users as (
    select recipe, sum(clustered_events + noise_events)::bigint as events,
        sum(clustered_events)::bigint as clustered, sum(valid_clusters)::bigint as valid_clusters,
        sum(noise_clusters)::bigint as noise_clusters
    from restricted.tweet_users
    group by recipe
),

clusters as (
    select recipe, sum(events)::bigint as events, count(*) filter (where status = 'valid') as valid_clusters,
        count(*) filter (where status = 'noise') as noise_clusters
    from restricted.tweet_clusters
    group by recipe
),

events as (
    select recipe, count(*) as events, count(*) filter (where status = 'valid') as clustered
    from restricted.tweet_events
    group by recipe
),

hours as (
    select recipe, sum(events)::bigint as clustered from restricted.tweet_cluster_hours group by recipe
),

months as (
    select recipe, sum(events)::bigint as clustered from restricted.tweet_cluster_months group by recipe
)

select recipe, level, found, expected
from users
left join seeds.tweet_cluster_recipes as recipes using (recipe)
left join clusters using (recipe)
left join events using (recipe)
left join hours using (recipe)
left join months using (recipe)
cross join lateral (select case when recipes.has_events is false then 0 else 1 end as share) as kept
cross join lateral (
    values
    ('clusters: events', clusters.events, users.events),
    ('clusters: valid', clusters.valid_clusters, users.valid_clusters),
    ('clusters: noise', clusters.noise_clusters, users.noise_clusters),
    ('events', events.events, users.events * kept.share),
    ('events: in valid clusters', events.clustered, users.clustered * kept.share),
    ('hours: events', hours.clustered, users.clustered),
    ('months: events', months.clustered, users.clustered)
) as counted (level, found, expected)
where coalesce(found, 0) <> coalesce(expected, 0)
order by recipe, level
"""

ROWS_IN_LAKE = """
with lake as (
    select coalesce(sum(rows), 0)::bigint as rows from ops.lake_files where table_name = 'geo_events'
),

users as (
    select recipe, sum(events)::bigint as events from restricted.tweet_users group by recipe
)

select coalesce(users.recipe, 'none') as recipe, coalesce(users.events, 0) as events, lake.rows
from lake
left join users on true
where coalesce(users.events, 0) <> lake.rows
order by 1
"""
"""Recipes of which the users do not count every row of the lake."""

EVERY_EVENT = "every_event_of_the_lake_has_a_fate"
"""Check of `restricted.tweet_users` by that query."""

_FEW_WITHIN_COVERAGE = """
select data_origin, source, sum(outside_events)::bigint as outside, sum(events - duplicates)::bigint as events
from restricted.tweet_users
where recipe = (select min(recipe) from restricted.tweet_users)
group by data_origin, source
having sum(outside_events) * 2 > sum(events - duplicates)
order by data_origin, source
"""

CHECKS = [
    expect_no_rows(
        "restricted.tweet_users",
        EVERY_EVENT,
        description="Events of the users = rows of the live files of lake/geo_events, for each recipe.",
        query=ROWS_IN_LAKE,
        line="{recipe}: {events} events, {rows} rows in the lake",
        blocking=True,
    ),
    expect_no_rows(
        "restricted.tweet_clusters",
        "levels_have_the_same_events",
        description="Clusters, events, hours and months have the events and clusters that the users count.",
        query=_EVENTS_BY_RECIPE,
        line="{recipe}, {level}: {found}; the users count {expected}",
        blocking=True,
    ),
    expect_no_rows(
        "restricted.tweet_users",
        "events_lie_within_coverage",
        description="At least half of the events of a source lie on the British National Grid; with exchanged "
        "latitudes and longitudes hardly any does.",
        query=_FEW_WITHIN_COVERAGE,
        line="{source} ({data_origin}): {outside} of {events} events outside",
    ),
]
