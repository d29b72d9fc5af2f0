-- Flows between areas, and moves into and out of areas, in one table.

with areas as (

    select
        recipe,
        data_origin,
        level,
        measure,
        period,
        'quarter' as period_length,
        area,
        null::text as destination,
        area_name,
        null::text as destination_name,
        moves,
        value,
        lower,
        upper,
        status,
        reason,
        parameters_hash
    from {{ ref('internal_migration_areas') }}

),

flows as (

    select
        recipe,
        data_origin,
        level,
        'flow' as measure,
        period,
        case level when 'authority' then 'whole' else 'quarter' end as period_length,
        origin as area,
        destination,
        origin_name as area_name,
        destination_name,
        moves,
        flow as value,
        lower,
        upper,
        status,
        reason,
        parameters_hash
    from {{ ref('internal_migration_flows') }}

),

final as (

    select * from areas
    union all
    select * from flows

)

select * from final
