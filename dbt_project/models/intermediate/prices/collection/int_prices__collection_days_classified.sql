-- After the quotes, so that both are of the same state of the loads:
-- depends_on: {{ ref('stg_prices__quotes') }}

with files as (

    select * from {{ source('ops', 'files') }}
    where source = 'prices' and superseded_by is null

),

-- A file that a later reader version has read again has several loads: the last counts.
loads as (

    select distinct on (file_id) *
    from {{ source('ops', 'loads') }}
    where state = 'committed'
    order by file_id asc, started_at desc, load_id asc

),

runs as (

    select
        -- the load of a refused file may have no origin; files without an origin have no retailer and are left out
        coalesce(loads.data_origin, files.data_origin) as data_origin,
        files.delivery as retailer,
        days.partition::date as collected_on,
        loads.rows_in,
        loads.quarantined,
        coalesce(load_partitions.accepted, 0) as accepted
    from files
    inner join loads
        on files.file_id = loads.file_id
    -- a price file has one day, given by its name
    cross join lateral unnest(files.partitions) as days (partition)
    left join {{ source('ops', 'load_partitions') }} as load_partitions
        on
            loads.load_id = load_partitions.load_id
            and days.partition = load_partitions.partition
    where coalesce(loads.data_origin, files.data_origin) is not null

),

days_with_files as (

    select
        data_origin,
        retailer,
        collected_on,
        count(*) as runs,
        count(*) filter (where accepted = 0) as outages,
        sum(rows_in) as rows_in,
        sum(accepted) as accepted,
        sum(quarantined) as quarantined
    from runs
    group by data_origin, retailer, collected_on

),

last_days as (

    select
        data_origin,
        max(collected_on) as last_day
    from runs
    group by data_origin

),

retailers as (

    select
        runs.data_origin,
        runs.retailer,
        coalesce(seeds.rhythm, 'daily') as rhythm,
        seeds.ended_on,
        min(runs.collected_on) as first_day
    from runs
    left join {{ ref('retailers') }} as seeds
        on runs.retailer = seeds.retailer
    group by runs.data_origin, runs.retailer, seeds.rhythm, seeds.ended_on

),

-- Periods of each retailer's rhythm, from that of its first file on, whose collection is due.
periods as (

    select
        retailers.data_origin,
        retailers.retailer,
        {{ rhythm_step('retailers.rhythm') }} as step,
        starts.starts_on::date as starts_on,
        (starts.starts_on + {{ rhythm_step('retailers.rhythm') }})::date as next_starts_on,
        {{ rhythm_due('retailers.rhythm', 'starts.starts_on::date') }} as due_on
    from retailers
    inner join last_days
        on retailers.data_origin = last_days.data_origin
    cross join lateral generate_series(
        {{ rhythm_period('retailers.rhythm', 'retailers.first_day') }}::timestamp,
        last_days.last_day::timestamp,
        {{ rhythm_step('retailers.rhythm') }}
    ) as starts (starts_on)
    where
        {{ rhythm_due('retailers.rhythm', 'starts.starts_on::date') }}
        <= least(last_days.last_day, retailers.ended_on)
        and {{ rhythm_expects('retailers.rhythm', 'starts.starts_on::date') }}

),

missed as (

    select
        periods.data_origin,
        periods.retailer,
        periods.due_on as collected_on,
        case periods.step
            when interval '1 day' then 'no file of the day'
            when interval '7 days' then 'no file of the week from ' || periods.starts_on
            when interval '14 days' then 'no file of the two weeks from ' || periods.starts_on
            else 'no file of the month from ' || periods.starts_on
        end as reason
    from periods
    left join days_with_files
        on
            periods.data_origin = days_with_files.data_origin
            and periods.retailer = days_with_files.retailer
            and periods.starts_on <= days_with_files.collected_on
            and periods.next_starts_on > days_with_files.collected_on
    where days_with_files.collected_on is null

),

frozen as (

    select
        data_origin,
        retailer,
        collected_on,
        evidence
    from {{ ref('int_prices__days_repeated') }}
    where is_frozen

),

final as (

    select
        days_with_files.collected_on,
        days_with_files.retailer,
        days_with_files.runs::integer as runs,
        days_with_files.outages::integer as outages,
        days_with_files.rows_in::integer as rows_in,
        days_with_files.accepted::integer as accepted,
        days_with_files.quarantined::integer as quarantined,
        case
            when days_with_files.runs = days_with_files.outages then 'outage'
            when frozen.evidence is not null then 'frozen'
            else 'collected'
        end as status,
        case
            when days_with_files.runs = days_with_files.outages
                then 'no row in any of ' || days_with_files.runs || ' files'
            else frozen.evidence
        end as reason,
        days_with_files.data_origin
    from days_with_files
    left join frozen
        on
            days_with_files.data_origin = frozen.data_origin
            and days_with_files.retailer = frozen.retailer
            and days_with_files.collected_on = frozen.collected_on
    union all
    select
        collected_on,
        retailer,
        0 as runs,
        0 as outages,
        0 as rows_in,
        0 as accepted,
        0 as quarantined,
        'gap' as status,
        reason,
        data_origin
    from missed

)

select * from final
