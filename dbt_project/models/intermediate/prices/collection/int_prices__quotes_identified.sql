{{ config(materialized='by_day', indexes=[{'columns': ['collected_on']}]) }}

with listings as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        products.product,
        quotes.collected_on,
        quotes.run_id,
        quotes.price_gbp,
        quotes.prices_in_run,
        quotes.listings,
        quotes.in_stock
    from {{ ref('stg_prices__quotes') }} as quotes
    inner join {{ ref('int_prices__products') }} as products
        on quotes.listing_id = products.listing_id
    where {{ in_stale_days('quotes.collected_on') }}

),

runs as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        collected_on,
        run_id,
        max(price_gbp) as price_gbp,
        min(price_gbp) <> max(price_gbp) or max(prices_in_run) > 1 as is_ambiguous,
        sum(listings) as listings,
        bool_or(in_stock) as in_stock
    from listings
    group by data_origin, retailer, item_number, product, collected_on, run_id

),

-- Listings of one product may be last in different runs of the day: the last run counts.
ranked as (

    select
        *,
        row_number() over (
            partition by data_origin, retailer, item_number, product, collected_on order by run_id desc
        ) as place,
        sum(listings) over (
            partition by data_origin, retailer, item_number, product, collected_on
        ) as listings_of_day
    from runs

),

final as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        collected_on,
        price_gbp,
        is_ambiguous,
        run_id,
        listings_of_day::integer as listings,
        in_stock
    from ranked
    where place = 1

)

select * from final
