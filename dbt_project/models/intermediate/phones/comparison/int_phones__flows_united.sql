with delivered as (

    select
        data_origin,
        provider,
        month,
        geography,
        vintage,
        day_type,
        origin_code as origin,
        dest_code as destination,
        coalesce(devices, persons) as flow,
        status,
        lower,
        upper
    from {{ ref('stg_phones__flows') }}
    where cell_kind = 'pair' and segment = 'all'

),

users as (

    select
        data_origin,
        'users' as provider,
        month,
        'msoa' as geography,
        vintage,
        'all' as day_type,
        origin,
        destination,
        sum(users)::double precision as flow
    from {{ ref('stg_phones__published_flows') }}
    group by data_origin, month, vintage, origin, destination

),

districts as (

    select
        data_origin,
        'users' as provider,
        month,
        'lad' as geography,
        'LAD20X' as vintage,
        'all' as day_type,
        origin_code as origin,
        destination_code as destination,
        sum(users)::double precision as flow
    from {{ ref('int_phones__user_districts_summed') }}
    where origin_code is not null and destination_code is not null
    group by data_origin, month, origin_code, destination_code

),

final as (

    select * from delivered
    union all
    select
        *,
        'observed' as status,
        flow as lower,
        flow as upper
    from users
    union all
    select
        *,
        'observed' as status,
        flow as lower,
        flow as upper
    from districts

)

select * from final
