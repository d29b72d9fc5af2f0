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
    from {{ ref('meter_contact_calendar') }}

)

select * from final
