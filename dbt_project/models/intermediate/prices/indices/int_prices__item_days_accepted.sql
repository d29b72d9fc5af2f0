{{ config(materialized='by_day', indexes=[{'columns': ['collected_on']}]) }}

select
    data_origin,
    retailer,
    item_number,
    collected_on,
    count(*)::integer as quotes
from {{ ref('int_prices__quotes_accepted') }}
where {{ in_stale_days('collected_on') }}
group by data_origin, retailer, item_number, collected_on
