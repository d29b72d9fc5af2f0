with final as (

    select
        recipe,
        data_origin,
        provider,
        month,
        geography,
        vintage,
        parameters_hash,
        day_type,
        method,
        origin,
        destination,
        devices,
        persons,
        lower,
        upper,
        quality,
        reason,
        status
    from {{ ref('phone_travel_to_work') }}

)

select * from final
