{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

-- After the figures and off their path, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}

with listings as (

    select
        listing_id,
        data_origin,
        retailer,
        item_number,
        collected_on,
        category,
        run_id,
        load_id,
        line,
        row_number() over (
            partition by collected_on, data_origin, retailer, item_number, run_id, category order by load_id, line
        )::integer as place
    from {{ ref('stg_prices__quotes') }}
    where {{ in_stale_days('collected_on') }}

),

-- A product with several listings stands where its last one does.
ranked as (

    select
        listings.data_origin,
        listings.retailer,
        listings.item_number,
        products.product,
        listings.collected_on,
        listings.category,
        listings.place,
        row_number() over (
            partition by
                listings.data_origin, listings.retailer, listings.item_number, products.product, listings.collected_on
            order by listings.run_id desc, listings.load_id desc, listings.line desc
        ) as nth
    from listings
    inner join {{ ref('int_prices__products') }} as products
        on listings.listing_id = products.listing_id

),

final as (

    select
        ranked.data_origin,
        ranked.retailer,
        ranked.item_number,
        ranked.product,
        ranked.collected_on,
        ranked.category,
        ranked.place
    from ranked
    inner join {{ ref('int_prices__quote_counts_judged') }} as counts
        on
            ranked.data_origin = counts.data_origin
            and ranked.retailer = counts.retailer
            and ranked.item_number = counts.item_number
            and ranked.collected_on = counts.collected_on
    where ranked.nth = 1 and counts.enters and {{ in_stale_days('counts.collected_on') }}

)

select * from final
