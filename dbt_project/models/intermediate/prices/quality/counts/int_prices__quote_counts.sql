{{
    config(
        materialized='by_day',
        indexes=[
            {'columns': ['data_origin', 'retailer', 'item_number', 'collected_on'], 'unique': true},
            {'columns': ['collected_on']},
        ],
    )
}}

select
    data_origin,
    retailer,
    item_number,
    collected_on,
    count(*)::integer as products,
    sum(listings)::integer as listings
from {{ ref('int_prices__quotes_identified') }}
where {{ in_stale_days('collected_on') }}
group by data_origin, retailer, item_number, collected_on
