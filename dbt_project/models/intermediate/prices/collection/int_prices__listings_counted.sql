{{
    config(
        materialized='by_day',
        pre_hook="{{ group_by_hash() }}",
        indexes=[{'columns': ['month']}],
    )
}}

{% set month = month_of('collected_on') %}

select
    {{ month }} as month,
    listing_id,
    -- the same on every row of a listing
    min(data_origin) as data_origin,
    min(retailer) as retailer,
    min(item_number) as item_number,
    min(product_id) as product_id,
    min(product_name) as product_name,
    min(size_class) as size_class,
    price_gbp,
    pack_size,
    unit,
    count(*)::integer as quotes,
    min(collected_on) as first_listed_on,
    max(collected_on) as last_listed_on
from {{ ref('stg_prices__quotes') }}
where {{ in_stale_months('collected_on') }}
group by {{ month }}, listing_id, price_gbp, pack_size, unit
