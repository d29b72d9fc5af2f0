{{ config(materialized='by_day', indexes=[{'columns': ['collected_on']}]) }}

select
    quotes.data_origin,
    quotes.collected_on,
    quotes.retailer,
    quotes.item_number,
    count(distinct odd_listings.product)::integer as products,
    -- each class is 8 % wide
    power(1.08::double precision, percentile_cont(0.5) within group (order by odd_listings.classes_off)) as ratio,
    (array_agg(odd_listings.product order by odd_listings.product))[1] as example
from {{ ref('stg_prices__quotes') }} as quotes
inner join {{ ref('int_prices__odd_sizes_found') }} as odd_listings
    on quotes.listing_id = odd_listings.listing_id
where {{ in_stale_days('quotes.collected_on') }}
group by quotes.data_origin, quotes.collected_on, quotes.retailer, quotes.item_number
