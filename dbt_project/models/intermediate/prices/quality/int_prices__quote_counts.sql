{{ config(indexes=[{'columns': ['data_origin', 'retailer', 'item_number', 'collected_on'], 'unique': true}]) }}

select
    data_origin,
    retailer,
    item_number,
    collected_on,
    count(*)::integer as products,
    sum(listings)::integer as listings
from {{ ref('int_prices__quotes_identified') }}
group by data_origin, retailer, item_number, collected_on
