{{
    config(
        materialized='by_day',
        pre_hook="{{ group_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

select distinct
    data_origin,
    retailer,
    item_number,
    product_name,
    collected_on
from {{ ref('stg_prices__quotes') }}
where product_id is null and {{ in_stale_days('collected_on') }}
group by data_origin, retailer, item_number, product_name, collected_on, run_id
having max(prices_in_run) > 1 or min(price_gbp) <> max(price_gbp)
