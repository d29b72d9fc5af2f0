with controlled as (

    select * from {{ source('analysis', 'internal_migration_areas') }}

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
        areas.authority_name as area_name
    from controlled
    left join authorities as areas
        on
            controlled.data_origin = areas.data_origin
            and controlled.area = areas.authority

)

select * from final
