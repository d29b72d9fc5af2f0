"""Checks of addresses: every valid cluster is looked up and typed, and the mix of classes is that of the pilot."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

_LOOKED_UP = """
with clusters as (
    select recipe, count(*) as clusters from restricted.tweet_clusters where status = 'valid' group by recipe
),

looked_up as (
    select recipe, count(*) as looked_up from restricted.tweet_cluster_addresses group by recipe
)

select recipe, coalesce(looked_up, 0) as looked_up, coalesce(clusters, 0) as clusters
from clusters
full join looked_up using (recipe)
where coalesce(looked_up, 0) <> coalesce(clusters, 0)
order by recipe
"""

_TYPED = """
with looked_up as (
    select recipe, count(*) as looked_up from restricted.tweet_cluster_addresses group by recipe
),

typed as (
    select recipe, count(*) as typed from restricted.tweet_cluster_types group by recipe
)

select recipe, coalesce(typed, 0) as typed, coalesce(looked_up, 0) as looked_up
from looked_up
full join typed using (recipe)
where coalesce(typed, 0) <> coalesce(looked_up, 0)
order by recipe
"""

_CLASS_MIX = """
with clusters as (
    select recipe, data_origin,
        case when address_distance_m is null then 'none' else left(address_class, 1) end as primary_class
    from restricted.tweet_cluster_addresses
),

totals as (
    select recipe, data_origin, count(*) as clusters, count(*) filter (where primary_class <> 'none') as classed
    from clusters
    group by recipe, data_origin
),

shares as (
    select totals.recipe, totals.data_origin, mix.primary_class, mix.share, mix.tolerance,
        (
            select count(*) from clusters
            where clusters.recipe = totals.recipe and clusters.data_origin = totals.data_origin
                and clusters.primary_class = mix.primary_class
        )::double precision / totals.clusters as found
    from totals
    cross join seeds.tweet_class_mix as mix
    where totals.classed > 0  -- without any address product there is no mix
)

select recipe, data_origin, primary_class, round((found * 100)::numeric, 1)::double precision as found,
    round((share * 100)::numeric, 1)::double precision as expected
from shares
where abs(found - share) > tolerance
order by recipe, data_origin, primary_class
"""

CHECKS = [
    expect_no_rows(
        "restricted.tweet_cluster_addresses",
        "every_valid_cluster_is_looked_up",
        description="Rows = valid clusters, for each recipe.",
        query=_LOOKED_UP,
        line="{recipe}: {looked_up} rows, {clusters} valid clusters",
        blocking=True,
    ),
    expect_no_rows(
        "restricted.tweet_cluster_types",
        "every_cluster_is_typed",
        description="Rows = clusters with a look-up, for each recipe: the seed of typing rules has all recipes.",
        query=_TYPED,
        line="{recipe}: {typed} typed, {looked_up} looked up",
        blocking=True,
    ),
    expect_no_rows(
        "restricted.tweet_cluster_addresses",
        "class_mix_is_near_the_pilots",
        description="Shares of the primary classes differ from those of the pilot of 2015 by less than the tolerance "
        "of the seed `tweet_class_mix`; large differences come from coordinates, products or the population.",
        query=_CLASS_MIX,
        line="{recipe} ({data_origin}), {primary_class}: {found} %, the pilot had {expected} %",
    ),
]
