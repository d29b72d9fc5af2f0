{{
    config(
        materialized='by_day',
        indexes=[{'columns': ['month']}],
    )
}}

{% set month = "date_trunc('month', collected_on)::date" %}

select
    {{ month }} as month,
    data_origin,
    retailer,
    item_number,
    collected_item_number,
    product,
    count(*)::integer as quotes,
    min(collected_on) as first_collected_on,
    (array_agg(price_gbp order by collected_on))[1] as first_price_gbp,
    max(collected_on) as last_collected_on,
    (array_agg(price_gbp order by collected_on desc))[1] as last_price_gbp
from {{ ref('int_prices__quotes_accepted') }}
where
    -- the first condition is exact, the second one has an index
    {{ in_stale_days(month) }}
    and {{ in_days('collected_on', stale_days(), 0, 30) }}
group by {{ month }}, data_origin, retailer, item_number, collected_item_number, product
