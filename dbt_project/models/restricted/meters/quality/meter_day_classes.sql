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

imputed as (

    select
        meter_key,
        day,
        count(*)::smallint as half_hours,
        sum(kwh_imputed) as kwh
    from {{ source('restricted', 'meter_imputed_half_hours') }}
    group by meter_key, day

),

final as (

    select
        days.meter_key,
        days.day,
        days.half_hours,
        days.readings,
        coalesce(imputed.half_hours, 0)::smallint as imputed_half_hours,
        case
            when days.readings = 0 then 'empty'
            when days.readings >= days.half_hours - rules.missing_half_hours then 'usable'
            else 'partial'
        end as day_class,
        coalesce(days.kwh = 0, false) as is_zero,
        suspicions.day is not null as is_suspicious,
        -- missing half hours of a usable day are imputed where they can be, and else taken to be as the others
        case
            when days.readings >= days.half_hours - rules.missing_half_hours
                then
                    (days.kwh + coalesce(imputed.kwh, 0)) * days.half_hours
                    / (days.readings + coalesce(imputed.half_hours, 0))
        end as kwh_whole_day
    from days
    cross join rules
    left join suspicions
        on
            days.meter_key = suspicions.meter_key
            and days.day = suspicions.day
    left join imputed
        on
            days.meter_key = imputed.meter_key
            and days.day = imputed.day

)

select * from final
