-- Consumption by kind of customer, area, dwelling, tariff and period, before disclosure control.

with rules as (

    select max(value) filter (where parameter = 'least_coverage') as least_coverage
    from {{ ref('meter_publication_rules') }}

),

days as (

    select
        classes.meter_key,
        periods.period_kind,
        periods.period,
        classes.kwh_whole_day,
        classes.readings,
        classes.half_hours,
        classes.imputed_half_hours,
        classes.is_zero
    from {{ ref('meter_day_classes') }} as classes
    cross join lateral (
        values
        ('week', date_trunc('week', classes.day)::date),
        ('quarter', date_trunc('quarter', classes.day)::date),
        ('year', date_trunc('year', classes.day)::date)
    ) as periods (period_kind, period)
    where not classes.is_suspicious

),

meters as (

    select
        meter_key,
        period_kind,
        period,
        count(kwh_whole_day) as usable_days,
        avg(kwh_whole_day) as kwh_per_day,
        sum(readings) as readings,
        sum(half_hours) as half_hours,
        sum(imputed_half_hours) filter (where kwh_whole_day is not null) as imputed_half_hours,
        count(*) filter (where is_zero) as zero_days,
        count(*) as days
    from days
    group by meter_key, period_kind, period

),

described as (

    select
        about.format,
        about.data_origin,
        meters.period_kind,
        meters.period,
        meters.kwh_per_day,
        meters.readings,
        meters.half_hours,
        meters.imputed_half_hours,
        meters.zero_days,
        meters.days,
        coalesce(homes.customer, 'unknown') as customer,
        coalesce(homes.area, 'unknown') as area,
        coalesce(homes.dwelling_type, 'unknown') as dwelling_type,
        coalesce(homes.tariff, 'unknown') as tariff
    from meters
    inner join {{ source('restricted', 'meters') }} as about using (meter_key)
    left join {{ source('restricted', 'meter_homes') }} as homes using (meter_key)
    cross join rules
    where
        meters.usable_days >= rules.least_coverage * (
            case meters.period_kind
                when 'week' then 7
                when 'quarter' then (meters.period + interval '3 months')::date - meters.period
                when 'year' then (meters.period + interval '1 year')::date - meters.period
            end
        )

),

final as (

    select
        data_origin,
        format,
        customer,
        area,
        dwelling_type,
        tariff,
        period_kind,
        period,
        count(*) as meters,
        avg(kwh_per_day) as kwh_per_day,
        stddev_samp(kwh_per_day) / sqrt(count(*)) as kwh_per_day_se,
        percentile_cont(0.5) within group (order by kwh_per_day) as kwh_per_day_median,
        sum(readings)::double precision / sum(half_hours) as reading_share,
        sum(zero_days)::double precision / sum(days) as zero_day_share,
        coalesce(sum(imputed_half_hours), 0)::double precision / sum(half_hours) as imputed_share
    from described
    group by data_origin, format, customer, area, dwelling_type, tariff, period_kind, period

)

select * from final
