select
    data_origin,
    source,
    retailer,
    item_number,
    product,
    min(product_id) as product_id,
    min(product_name) as product_name,
    percentile_cont(0.5) within group (order by pack_size) as pack_size,
    percentile_cont(0.5) within group (order by price_gbp) as price_gbp
from {{ ref('stg_prices__other_quotes') }}
group by data_origin, source, retailer, item_number, product
