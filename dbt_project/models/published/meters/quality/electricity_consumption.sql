with final as (

    select
        data_origin,
        format,
        customer,
        area,
        dwelling_type,
        tariff,
        period_kind,
        period,
        meters,
        kwh_per_day,
        kwh_per_day_se,
        kwh_per_day_median,
        reading_share,
        zero_day_share,
        imputed_share,
        status
    from {{ ref('meter_consumption') }}

)

select * from final
