{{ config(pre_hook="{{ join_by_hash() }}") }}

-- Commutes between the typed clusters of a user: visits at home followed on the same day by one at work or study.

with visits as (

    select
        events.recipe,
        events.user_key,
        events.data_origin,
        events.local_date,
        events.cluster,
        events.ts_utc,
        lag(events.cluster) over day_of_user as previous_cluster,
        lag(events.ts_utc) over day_of_user as previous_ts_utc
    from {{ source('restricted', 'tweet_events') }} as events
    where events.status = 'valid'  -- what is in no place is on the way
    window day_of_user as (
        partition by events.recipe, events.user_key, events.local_date order by events.ts_utc, events.event_id
    )

),

moves as (

    select
        *,
        extract(epoch from ts_utc - previous_ts_utc)::double precision / 3600 as hours
    from visits
    where previous_cluster <> cluster

),

trips as (

    select
        moves.recipe,
        moves.user_key,
        moves.data_origin,
        moves.local_date,
        moves.previous_cluster as home_cluster,
        moves.cluster as destination_cluster,
        destinations.cluster_type as purpose,
        moves.hours,
        sqrt(
            (ends.easting_m - starts.easting_m) ^ 2 + (ends.northing_m - starts.northing_m) ^ 2
        ) as distance_m,
        homes.authority as home_authority,
        destinations.authority as destination_authority
    from moves
    inner join {{ ref('tweet_typing_rules') }} as rules using (recipe)
    inner join {{ ref('tweet_cluster_types') }} as homes
        on
            moves.recipe = homes.recipe
            and moves.user_key = homes.user_key
            and moves.previous_cluster = homes.cluster
            and homes.cluster_type in ('home', 'term_home')
    inner join {{ ref('tweet_cluster_types') }} as destinations
        on
            moves.recipe = destinations.recipe
            and moves.user_key = destinations.user_key
            and moves.cluster = destinations.cluster
            and destinations.cluster_type in ('work', 'study')
    inner join {{ source('restricted', 'tweet_clusters') }} as starts
        on
            moves.recipe = starts.recipe
            and moves.user_key = starts.user_key
            and moves.previous_cluster = starts.cluster
    inner join {{ source('restricted', 'tweet_clusters') }} as ends
        on
            moves.recipe = ends.recipe
            and moves.user_key = ends.user_key
            and moves.cluster = ends.cluster
    where
        moves.hours <= rules.max_commute_hours
        and sqrt((ends.easting_m - starts.easting_m) ^ 2 + (ends.northing_m - starts.northing_m) ^ 2) / 1000
        < rules.max_commute_km_h * moves.hours

),

final as (

    select
        recipe,
        user_key,
        data_origin,
        home_cluster,
        destination_cluster,
        purpose,
        count(*) as trips,
        count(distinct local_date) as days,
        min(distance_m) as distance_m,
        percentile_cont(0.5) within group (order by hours) * 60 as median_minutes,
        min(home_authority) as home_authority,
        min(destination_authority) as destination_authority
    from trips
    group by recipe, user_key, data_origin, home_cluster, destination_cluster, purpose

)

select * from final
