{{ config(pre_hook="{{ group_by_hash() }}") }}

-- Days in a row without a change (same products, same prices) of each item, and such stretches at other times. Products
-- that come and go do not end the other stretches: an incomplete run causes such changes, too.
with days as (

    select
        *,
        price_changes = 0 as has_same_prices,
        sum((not is_unchanged)::integer) over item_days as standstill,
        sum((price_changes > 0)::integer) over item_days as price_stretch
    from {{ ref('int_prices__item_days_profiled') }}
    where is_unchanged is not null
    window item_days as (partition by data_origin, retailer, item_number order by collected_on)

),

counted as (

    select
        *,
        count(*) filter (where is_unchanged) over (
            partition by data_origin, retailer, item_number, standstill order by collected_on
        )::integer as unchanged_days
    from days

),

stretches as (

    select
        data_origin,
        retailer,
        item_number,
        price_stretch,
        count(*) filter (where has_same_prices) as days_of_same_prices,
        count(*) as days
    from days
    group by data_origin, retailer, item_number, price_stretch

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_origin, retailer, item_number order by days_of_same_prices desc, price_stretch
        ) as place
    from stretches

),

items as (

    select
        data_origin,
        retailer,
        item_number,
        max(days_of_same_prices) filter (where place = 1) as longest,
        max(days_of_same_prices) filter (where place = 2) as second,
        sum(days_of_same_prices) as days_of_same_prices,
        sum(days) as days
    from ranked
    group by data_origin, retailer, item_number

),

final as (

    select
        counted.data_origin,
        counted.retailer,
        counted.item_number,
        counted.collected_on,
        counted.unchanged_days,
        -- the longest other stretch: the longest of the item, and for that stretch the second longest
        coalesce(case when ranked.place = 1 then items.second else items.longest end, 0)::integer
            as longest_elsewhere_days,
        -- share of the days outside this stretch; one day of each kind is added, so that it is never 0 or 1
        (items.days_of_same_prices - ranked.days_of_same_prices + 1)::double precision
        / (items.days - ranked.days_of_same_prices + 2) as unchanged_share_elsewhere,
        (items.days - items.days_of_same_prices)::integer as moving_days
    from counted
    inner join ranked
        on
            counted.data_origin = ranked.data_origin
            and counted.retailer = ranked.retailer
            and counted.item_number = ranked.item_number
            and counted.price_stretch = ranked.price_stretch
    inner join items
        on
            counted.data_origin = items.data_origin
            and counted.retailer = items.retailer
            and counted.item_number = items.item_number

)

select * from final
