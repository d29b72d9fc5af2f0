with controlled as (

    select * from {{ source('analysis', 'internal_migration_areas') }}

),

places as (

    select
        data_origin,
        authority,
        region,
        authority_name,
        easting_m,
        northing_m,
        greatest(residents, 1) as weight
    from {{ ref('stg_tweets__area_populations') }}

),

areas as (

    select
        data_origin,
        'authority' as level,
        authority as area,
        min(authority_name) as area_name,
        sum(easting_m * weight) / sum(weight) / 1000 as east_km,
        sum(northing_m * weight) / sum(weight) / 1000 as north_km
    from places
    group by data_origin, authority
    union all
    select
        data_origin,
        'region' as level,
        region as area,
        null as area_name,
        sum(easting_m * weight) / sum(weight) / 1000 as east_km,
        sum(northing_m * weight) / sum(weight) / 1000 as north_km
    from places
    group by data_origin, region

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
        controlled.area,
        controlled.period,
        controlled.measure,
        controlled.moves,
        controlled.value,
        controlled.lower,
        controlled.upper,
        controlled.status,
        controlled.reason,
        controlled.parameters_hash,
        coalesce(areas.area_name, regions.region_name) as area_name,
        areas.east_km,
        areas.north_km
    from controlled
    left join areas
        on
            controlled.data_origin = areas.data_origin
            and controlled.level = areas.level
            and controlled.area = areas.area
    left join regions
        on controlled.area = regions.region

)

select * from final
