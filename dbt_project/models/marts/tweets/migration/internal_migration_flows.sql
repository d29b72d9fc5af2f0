with controlled as (

    select * from {{ source('analysis', 'internal_migration_flows') }}

),

authorities as (

    select
        data_origin,
        authority,
        min(authority_name) as authority_name
    from {{ ref('stg_tweets__area_populations') }}
    group by data_origin, authority

),

final as (

    select
        controlled.recipe,
        controlled.data_origin,
        controlled.level,
        controlled.origin,
        controlled.destination,
        controlled.period,
        controlled.moves,
        controlled.flow,
        controlled.lower,
        controlled.upper,
        controlled.status,
        controlled.reason,
        controlled.parameters_hash,
        origins.authority_name as origin_name,
        destinations.authority_name as destination_name
    from controlled
    left join authorities as origins
        on
            controlled.data_origin = origins.data_origin
            and controlled.origin = origins.authority
    left join authorities as destinations
        on
            controlled.data_origin = destinations.data_origin
            and controlled.destination = destinations.authority

)

select * from final
