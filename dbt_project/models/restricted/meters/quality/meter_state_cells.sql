-- Shares of the states of half hours by format and month, before disclosure control.

with states as (

    select
        meters.data_origin,
        meters.format,
        quality.month,
        quality.state,
        quality.meter_key,
        quality.readings
    from {{ source('restricted', 'meter_quality') }} as quality
    inner join {{ source('restricted', 'meters') }} as meters using (meter_key)

),

totals as (

    select
        data_origin,
        format,
        month,
        count(distinct meter_key) as meters,
        sum(readings) as half_hours
    from states
    group by data_origin, format, month

),

final as (

    select
        states.data_origin,
        states.format,
        states.month,
        states.state,
        totals.meters,
        count(*) as affected_meters,
        sum(states.readings)::double precision / totals.half_hours::double precision as share
    from states
    inner join totals using (data_origin, format, month)
    group by states.data_origin, states.format, states.month, states.state, totals.meters, totals.half_hours

)

select * from final
