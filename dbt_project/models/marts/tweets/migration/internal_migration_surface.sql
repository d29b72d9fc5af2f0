with controlled as (

    select * from {{ source('analysis', 'internal_migration_surface') }}

),

final as (

    select
        controlled.recipe,
        controlled.data_origin,
        controlled.interval_months,
        controlled.duration_months,
        controlled.share_observable,
        controlled.moved,
        controlled.share_moved,
        controlled.lower,
        controlled.upper,
        controlled.status,
        controlled.reason,
        controlled.parameters_hash
    from controlled

)

select * from final
