-- Absent days that follow each other, as spells.

with judged as (

    select
        days.meter_key,
        days.day,
        days.absent,
        days.probability_absent,
        lag(days.absent) over meter_by_day as absent_before,
        lag(days.day) over meter_by_day as day_before
    from {{ source('restricted', 'meter_absent_days') }} as days
    where days.absent is not null
    window meter_by_day as (partition by days.meter_key order by days.day)

),

numbered as (

    select
        meter_key,
        day,
        probability_absent,
        -- a day that cannot be judged does not end a spell; more of them do
        count(*) filter (where not (coalesce(absent_before, false) and day - day_before <= 2))
            over (partition by meter_key order by day) as spell
    from judged
    where absent

),

spells as (

    select
        meter_key,
        spell::integer as spell,
        min(day) as first_day,
        max(day) as last_day,
        (max(day) - min(day) + 1)::integer as days,
        count(*)::integer as absent_days,
        avg(probability_absent) as probability_absent
    from numbered
    group by meter_key, spell

),

final as (

    select
        *,
        case
            when days = 1 then 'day'
            when days < 7 then 'days'
            when days <= 60 then 'weeks'
            else 'long'
        end as spell_class
    from spells

)

select * from final
