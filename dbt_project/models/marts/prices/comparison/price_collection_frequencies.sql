with frequencies as (

    select * from {{ source('analysis', 'collection_frequencies') }}

),

-- Medians over items: the loss of a typical item.
typical as (

    select
        data_origin,
        'typical item' as level,
        'all' as code,
        retailers,
        frequency,
        max(period_days) as period_days,
        sum(choices * movements) as asked,
        sum(estimates) as estimates,
        sum(quotes_per_period) as quotes_per_period,
        percentile_cont(0.5) within group (order by mean_difference) as mean_difference,
        percentile_cont(0.5) within group (order by spread) as spread,
        max(largest_difference) as largest_difference,
        percentile_cont(0.5) within group (order by standard_error) as standard_error,
        percentile_cont(0.5) within group (order by total_error) as total_error,
        case
            when count(total_error) = 0 then min(reason)
            when sum(estimates) < sum(choices * movements)
                then sum(choices * movements) - sum(estimates) || ' of ' || sum(choices * movements)
                    || ' estimates are missing'
        end as reason
    from frequencies
    where level = 'item'
    group by data_origin, retailers, frequency

),

divisions as (

    select
        frequencies.data_origin,
        'division' as level,
        frequencies.code,
        frequencies.retailers,
        frequencies.frequency,
        frequencies.period_days,
        frequencies.choices * frequencies.movements as asked,
        frequencies.estimates,
        frequencies.quotes_per_period,
        frequencies.mean_difference,
        frequencies.spread,
        frequencies.largest_difference,
        frequencies.standard_error,
        frequencies.total_error,
        frequencies.reason
    from frequencies
    where frequencies.level = 'division'

),

both_levels as (

    select * from typical
    union all
    select * from divisions

),

final as (

    select
        both_levels.data_origin,
        both_levels.level,
        both_levels.code,
        coalesce(coicop.name, 'Median of the items') as name,
        both_levels.retailers,
        both_levels.frequency,
        both_levels.period_days,
        both_levels.asked::integer as asked,
        both_levels.estimates::integer as estimates,
        both_levels.quotes_per_period,
        both_levels.mean_difference,
        both_levels.spread,
        both_levels.largest_difference,
        both_levels.standard_error,
        both_levels.total_error,
        both_levels.reason
    from both_levels
    left join {{ ref('coicop') }} as coicop
        on
            both_levels.level = coicop.level
            and both_levels.code = coicop.code

)

select * from final
