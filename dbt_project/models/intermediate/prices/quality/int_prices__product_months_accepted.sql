{{
    config(
        materialized='by_day',
        pre_hook="{{ group_by_hash() }}",
        indexes=[{'columns': ['month']}],
    )
}}

{% set month = month_of('collected_on') %}
{# Day and price as one value, of which the least is that of the first day. An aggregate in order of days would sort all. #}
{% set day_and_price = "array[(collected_on - date '2000-01-01')::double precision, price_gbp]" %}

select
    {{ month }} as month,
    data_origin,
    retailer,
    item_number,
    collected_item_number,
    product,
    count(*)::integer as quotes,
    min(collected_on) as first_collected_on,
    (min({{ day_and_price }}))[2] as first_price_gbp,
    max(collected_on) as last_collected_on,
    (max({{ day_and_price }}))[2] as last_price_gbp
from {{ ref('int_prices__quotes_accepted') }}
where {{ in_stale_months('collected_on') }}
group by {{ month }}, data_origin, retailer, item_number, collected_item_number, product
