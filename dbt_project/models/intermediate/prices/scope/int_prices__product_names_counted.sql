{{ config(pre_hook="{{ group_by_hash() }}") }}

select
    data_origin,
    item_number,
    retailer,
    product_name,
    count(*)::integer as quotes,
    percentile_cont(0.5) within group (order by price_gbp) as median_price_gbp,
    percentile_cont(0.5) within group (order by pack_size) as pack_size,
    mode() within group (order by unit) as unit
from {{ ref('stg_prices__quotes') }}
group by data_origin, item_number, retailer, product_name
