{{
    config(
        materialized='by_day',
        pre_hook="{{ group_by_hash() }}",
        indexes=[{'columns': ['month']}],
    )
}}

{% set month = "date_trunc('month', collected_on)::date" %}

select
    {{ month }} as month,
    data_origin,
    retailer,
    item_number,
    product,
    min(price_gbp) as lowest_price_gbp,
    max(price_gbp) as highest_price_gbp
from {{ ref('int_prices__quotes_entering') }}
where
    {{ is_reference_price() }}
    -- the first condition is exact, the second one has an index
    and {{ in_stale_days(month) }}
    and {{ in_days('collected_on', stale_days(), 0, 30) }}
group by {{ month }}, data_origin, retailer, item_number, product
