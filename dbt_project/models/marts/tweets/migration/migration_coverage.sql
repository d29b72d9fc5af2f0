with estimated as (

    select * from {{ source('analysis', 'migration_coverage') }}

),

final as (

    select
        recipe,
        data_origin,
        authority,
        month,
        residents,
        users,
        penetration,
        lower,
        upper,
        log_bias,
        active_users,
        active_penetration,
        status,
        reason,
        parameters_hash
    from estimated

)

select * from final
