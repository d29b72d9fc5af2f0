with final as (

    select
        data_origin,
        format,
        month,
        state,
        meters,
        affected_meters,
        share,
        status
    from {{ source('analysis', 'meter_states_controlled') }}

)

select * from final
