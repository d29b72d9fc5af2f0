{{
    config(
        pre_hook="{{ group_by_hash() }}",
        indexes=[{'columns': ['data_origin', 'retailer', 'item_number', 'collected_on'], 'unique': true}],
    )
}}

-- After the figures, which do not depend on it, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}

with counts as (

    select * from {{ ref('int_prices__quote_counts_judged') }}
    where products > 0

),

coverage as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        avg((unit_price is not null)::integer)::double precision as unit_price_share,
        avg((promotion is not null)::integer)::double precision as promotion_share,
        avg((product_id is not null)::integer)::double precision as product_id_share
    from {{ ref('stg_prices__quotes') }}
    group by data_origin, retailer, item_number, collected_on

),

-- A product that every run lists once is listed as often as there were runs with rows.
listings as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        quotes.collected_on,
        avg((quotes.listings > days.runs - days.outages)::integer)::double precision as repeated_share,
        avg(quotes.is_ambiguous::integer)::double precision as ambiguous_share,
        avg((quotes.in_stock is false)::integer)::double precision as out_of_stock_share
    from {{ ref('int_prices__quotes_identified') }} as quotes
    inner join {{ ref('int_prices__collection_days_classified') }} as days
        on
            quotes.data_origin = days.data_origin
            and quotes.retailer = days.retailer
            and quotes.collected_on = days.collected_on
    group by quotes.data_origin, quotes.retailer, quotes.item_number, quotes.collected_on

),

-- Days are compared with the last day that enters; rejected days do not count.
entering_days as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        lag(collected_on) over item_days as previous_on,
        lag(products) over item_days as previous_products
    from counts
    where enters
    window item_days as (partition by data_origin, retailer, item_number order by collected_on)

),

first_days as (

    select
        data_origin,
        retailer,
        collected_item_number as item_number,
        product,
        min(collected_on) as first_on
    from {{ ref('int_prices__quotes_entering') }}
    group by data_origin, retailer, collected_item_number, product

),

movements as (

    select
        today.data_origin,
        today.retailer,
        today.collected_item_number as item_number,
        today.collected_on,
        count(before.product)::integer as matched_products,
        count(*) filter (where first_days.first_on = today.collected_on)::integer as new_products,
        count(*) filter (where today.price_gbp <> before.price_gbp)::integer as price_changes
    from {{ ref('int_prices__quotes_entering') }} as today
    inner join entering_days
        on
            today.data_origin = entering_days.data_origin
            and today.retailer = entering_days.retailer
            and today.collected_item_number = entering_days.item_number
            and today.collected_on = entering_days.collected_on
    inner join first_days
        on
            today.data_origin = first_days.data_origin
            and today.retailer = first_days.retailer
            and today.collected_item_number = first_days.item_number
            and today.product = first_days.product
    left join {{ ref('int_prices__quotes_entering') }} as before
        on
            today.data_origin = before.data_origin
            and today.retailer = before.retailer
            and today.collected_item_number = before.collected_item_number
            and today.product = before.product
            and entering_days.previous_on = before.collected_on
    where entering_days.previous_on is not null
    group by today.data_origin, today.retailer, today.collected_item_number, today.collected_on

),

final as (

    select
        counts.data_origin,
        counts.retailer,
        counts.item_number,
        counts.collected_on,
        counts.enters,
        counts.products,
        coverage.unit_price_share,
        coverage.promotion_share,
        coverage.product_id_share,
        listings.repeated_share,
        listings.ambiguous_share,
        listings.out_of_stock_share,
        entering_days.previous_on,
        movements.matched_products,
        movements.new_products,
        entering_days.previous_products - movements.matched_products as lost_products,
        movements.price_changes,
        movements.new_products::double precision / counts.products as new_share,
        (entering_days.previous_products - movements.matched_products)::double precision
            / entering_days.previous_products as lost_share,
        movements.price_changes = 0
        and movements.matched_products = counts.products
        and movements.matched_products = entering_days.previous_products as is_unchanged
    from counts
    inner join coverage
        on
            counts.data_origin = coverage.data_origin
            and counts.retailer = coverage.retailer
            and counts.item_number = coverage.item_number
            and counts.collected_on = coverage.collected_on
    inner join listings
        on
            counts.data_origin = listings.data_origin
            and counts.retailer = listings.retailer
            and counts.item_number = listings.item_number
            and counts.collected_on = listings.collected_on
    left join entering_days
        on
            counts.data_origin = entering_days.data_origin
            and counts.retailer = entering_days.retailer
            and counts.item_number = entering_days.item_number
            and counts.collected_on = entering_days.collected_on
    left join movements
        on
            counts.data_origin = movements.data_origin
            and counts.retailer = movements.retailer
            and counts.item_number = movements.item_number
            and counts.collected_on = movements.collected_on

)

select * from final
