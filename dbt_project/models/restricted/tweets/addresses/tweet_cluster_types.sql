{{ config(pre_hook="{{ join_by_hash() }}") }}

-- The type of each valid cluster, from the class of its address, its hours and its months.

with hours as (

    select
        recipe,
        user_key,
        cluster,
        sum(hours.events)::bigint as events,
        coalesce(sum(hours.events) filter (where weekday <= 5), 0)::bigint as weekday_events,
        count(distinct weekday) filter (where weekday <= 5) as weekdays,
        coalesce(
            sum(hours.events) filter (where weekday <= 5 and hour >= work_from_hour and hour < work_to_hour), 0
        )::bigint as work_events,
        coalesce(sum(hours.events) filter (where hour >= night_from_hour or hour < night_to_hour), 0)::bigint
            as night_events
    from {{ source('restricted', 'tweet_cluster_hours') }} as hours
    inner join {{ ref('tweet_typing_rules') }} using (recipe)
    group by recipe, user_key, cluster

),

months as (

    select
        recipe,
        user_key,
        cluster,
        coalesce(sum(months.events) filter (where period = 'vacation'), 0)::bigint as vacation_events,
        count(distinct extract(month from months.month)) filter (where period <> 'vacation') as term_months,
        coalesce(bool_or(period = 'term'), false) as is_used_in_term
    from {{ source('restricted', 'tweet_cluster_months') }} as months
    inner join {{ ref('tweet_term_months') }} as periods on periods.month = extract(month from months.month)
    group by recipe, user_key, cluster

),

addresses as (

    select
        addresses.*,
        rules.breaks_ties,
        rules.min_work_share,
        rules.min_work_days,
        rules.min_study_weekdays,
        rules.min_term_days,
        rules.min_term_months,
        rules.min_vacation_events,
        left(
            case when rules.class_source = 'vote' then addresses.voted_class else addresses.address_class end,
            rules.class_letters
        ) as class_code,
        -- the share is that of the nearest address's primary class; the vote may be for another
        case
            when rules.class_source = 'vote' and left(addresses.voted_class, 1) <> left(addresses.address_class, 1)
                then 1 - addresses.class_share
            when addresses.address_class is not null then coalesce(addresses.class_share, 1)
            else 0
        end as class_confidence
    from {{ source('restricted', 'tweet_cluster_addresses') }} as addresses
    inner join {{ ref('tweet_typing_rules') }} as rules using (recipe)

),

codes as (

    select distinct class_code
    from addresses
    where class_code is not null

),

classes as (

    select distinct on (codes.class_code)
        codes.class_code,
        classes.class_group,
        classes.can_be_home,
        classes.can_be_work,
        classes.can_be_study
    from codes
    inner join {{ ref('tweet_address_classes') }} as classes on starts_with(codes.class_code, classes.class_prefix)
    order by codes.class_code, length(classes.class_prefix) desc

),

described as (

    select
        recipe,
        user_key,
        data_origin,
        cluster,
        clusters.days,
        hours.events,
        hours.weekday_events,
        hours.weekdays,
        hours.work_events,
        hours.night_events,
        months.vacation_events,
        addresses.class_confidence,
        addresses.breaks_ties,
        addresses.min_work_days,
        addresses.min_study_weekdays,
        addresses.min_term_days,
        addresses.output_area,
        addresses.authority,
        hours.work_events >= addresses.min_work_share * hours.events as has_hours_of_work,
        coalesce(classes.can_be_home, false) as can_be_home,
        coalesce(classes.can_be_work, false) as can_be_work,
        coalesce(classes.can_be_study, false) as can_be_study,
        coalesce(classes.class_group, case when class_code is null then 'none' else 'other' end) as class_set,
        months.is_used_in_term
        and months.vacation_events = 0
        and months.term_months >= addresses.min_term_months as is_used_in_term_only,
        addresses.min_vacation_events
    from addresses
    inner join {{ source('restricted', 'tweet_clusters') }} as clusters using (recipe, user_key, data_origin, cluster)
    inner join hours using (recipe, user_key, cluster)
    inner join months using (recipe, user_key, cluster)
    left join classes using (class_code)
    where clusters.status = 'valid'

),

grouped as (

    select
        *,
        case
            when class_set <> 'dual' then class_set
            when has_hours_of_work then 'commercial'
            else 'residential'
        end as class_group,
        can_be_home and not (class_set = 'dual' and has_hours_of_work) as is_residential
    from described

),

ranked as (

    select
        *,
        -- ties: more days, then a larger share of the night, then the smaller number
        row_number() over (
            partition by recipe, user_key, is_residential
            order by events desc, days desc, night_events::double precision / events desc, cluster
        ) as place,
        rank() over (partition by recipe, user_key, is_residential order by events desc) as shared_place,
        sum(events) over (partition by recipe, user_key, is_residential) as events_of_residences,
        sum(vacation_events) over (partition by recipe, user_key, is_residential) as vacation_events_of_residences
    from grouped

),

seasons as (

    select
        *,
        is_residential and case when breaks_ties then place else shared_place end = 1 as is_dominant,
        coalesce(
            is_residential and days >= min_term_days
            and (
                class_group = 'hall'
                or (is_used_in_term_only and vacation_events_of_residences >= min_vacation_events)
            ),
            false
        ) as is_term_home
    from ranked

),

homes as (

    select
        *,
        row_number() over (
            partition by recipe, user_key, is_residential and not is_term_home
            order by events desc, days desc, night_events::double precision / events desc, cluster
        ) as home_place,
        rank() over (partition by recipe, user_key, is_residential and not is_term_home order by events desc)
            as shared_home_place
    from seasons

),

typed as (

    select
        *,
        case
            when is_term_home then 'term_home'
            when is_residential and case when breaks_ties then home_place else shared_home_place end = 1 then 'home'
            when can_be_study and weekdays >= min_study_weekdays then 'study'
            when can_be_work and not is_residential and days >= min_work_days and has_hours_of_work then 'work'
            else 'other'
        end as cluster_type
    from homes

),

final as (

    select
        recipe,
        user_key,
        data_origin,
        cluster,
        class_group,
        cluster_type,
        is_dominant,
        -- the mean of a share, given k of n events and no prior knowledge of it, is (k + 1) / (n + 2)
        (
            class_confidence * case cluster_type
                when 'home' then (events + 1) / (events_of_residences + 2)
                when 'term_home' then (events - vacation_events + 1)::double precision / (events + 2)
                when 'work' then (work_events + 1)::double precision / (events + 2)
                when 'study' then (weekday_events + 1)::double precision / (events + 2)
                else 1
            end
        )::double precision as confidence,
        output_area,
        authority
    from typed

)

select * from final
