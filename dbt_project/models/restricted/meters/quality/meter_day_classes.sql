-- What each day of each meter can be used for.

with rules as (

    select max(value) filter (where parameter = 'missing_half_hours') as missing_half_hours
    from {{ ref('meter_publication_rules') }}

),

days as (

    select
        meter_key,
        day,
        kwh,
        readings,
        cardinality(kwh_halfhours)::smallint as half_hours
    from {{ source('restricted', 'meter_days') }}

),

suspicions as (

    select distinct
        suspicions.meter_key,
        days.day
    from {{ source('restricted', 'meter_suspicions') }} as suspicions
    inner join days
        on
            suspicions.meter_key = days.meter_key
            and days.day between suspicions.first_day and suspicions.last_day

),

final as (

    select
        days.meter_key,
        days.day,
        days.half_hours,
        days.readings,
        case
            when days.readings = 0 then 'empty'
            when days.readings >= days.half_hours - rules.missing_half_hours then 'usable'
            else 'partial'
        end as day_class,
        coalesce(days.kwh = 0, false) as is_zero,
        suspicions.day is not null as is_suspicious,
        -- missing half hours of a usable day are taken to be as the others
        case
            when days.readings >= days.half_hours - rules.missing_half_hours
                then days.kwh * days.half_hours / days.readings
        end as kwh_whole_day
    from days
    cross join rules
    left join suspicions
        on
            days.meter_key = suspicions.meter_key
            and days.day = suspicions.day

)

select * from final
