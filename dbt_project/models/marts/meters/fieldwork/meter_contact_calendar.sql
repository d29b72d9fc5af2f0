with final as (

    select
        data_origin,
        format,
        area,
        weekday,
        period,
        meters,
        chance,
        no_interval_reason,
        recipe
    from {{ source('analysis', 'contact_calendar_controlled') }}

)

select * from final
