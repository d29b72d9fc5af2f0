-- After the quotes, so that both are of the same state of the loads:
-- depends_on: {{ ref('stg_prices__quotes') }}
-- After the retailers, so that the test against them runs with this model:
-- depends_on: {{ ref('retailers') }}

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

calendar as (

    select
        retailers.data_origin,
        retailers.retailer,
        days.collected_on::date as collected_on
    from (
        select
            data_origin,
            retailer,
            min(collected_on) as first_day
        from runs
        group by data_origin, retailer
    ) as retailers
    inner join last_days
        on retailers.data_origin = last_days.data_origin
    cross join lateral generate_series(
        retailers.first_day::timestamp, last_days.last_day::timestamp, interval '1 day'
    ) as days (collected_on)

),

final as (

    select
        calendar.collected_on,
        calendar.retailer,
        coalesce(days_with_files.runs, 0)::integer as runs,
        coalesce(days_with_files.outages, 0)::integer as outages,
        coalesce(days_with_files.rows_in, 0)::integer as rows_in,
        coalesce(days_with_files.accepted, 0)::integer as accepted,
        coalesce(days_with_files.quarantined, 0)::integer as quarantined,
        case
            when days_with_files.runs is null then 'gap'
            when days_with_files.runs = days_with_files.outages then 'outage'
            else 'collected'
        end as status,
        calendar.data_origin
    from calendar
    left join days_with_files
        on
            calendar.data_origin = days_with_files.data_origin
            and calendar.retailer = days_with_files.retailer
            and calendar.collected_on = days_with_files.collected_on

)

select * from final
