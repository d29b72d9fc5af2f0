{{
    config(
        materialized='by_day',
        indexes=[
            {'columns': ['data_origin', 'retailer', 'item_number', 'category', 'collected_on'], 'unique': true},
            {'columns': ['collected_on']},
        ],
    )
}}

-- After the figures, which do not depend on it, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}

select
    data_origin,
    retailer,
    item_number,
    category,
    collected_on,
    count(*)::integer as listings
from {{ ref('stg_prices__quotes') }}
where {{ in_stale_days('collected_on') }}
group by data_origin, retailer, item_number, category, collected_on
