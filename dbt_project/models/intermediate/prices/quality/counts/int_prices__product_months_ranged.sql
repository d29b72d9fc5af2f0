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
    data_origin,
    retailer,
    item_number,
    product,
    min(price_gbp) as lowest_price_gbp,
    max(price_gbp) as highest_price_gbp
from {{ ref('int_prices__quotes_entering') }}
where {{ is_reference_price() }} and {{ in_stale_months('collected_on') }}
group by {{ month }}, data_origin, retailer, item_number, product
