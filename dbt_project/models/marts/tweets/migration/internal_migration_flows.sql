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

regions as (

    select
        region,
        max(region_name) as region_name
    from {{ ref('migration_regions') }}
    group by region

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
        coalesce(origins.authority_name, origin_regions.region_name) as origin_name,
        coalesce(destinations.authority_name, destination_regions.region_name) as destination_name
    from controlled
    left join authorities as origins
        on
            controlled.data_origin = origins.data_origin
            and controlled.origin = origins.authority
    left join authorities as destinations
        on
            controlled.data_origin = destinations.data_origin
            and controlled.destination = destinations.authority
    left join regions as origin_regions
        on controlled.origin = origin_regions.region
    left join regions as destination_regions
        on controlled.destination = destination_regions.region

)

select * from final
