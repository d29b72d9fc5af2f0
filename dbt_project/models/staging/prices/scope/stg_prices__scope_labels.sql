{{ config(materialized='view', tags=['whole']) }}

select
    load_id,
    line,
    data_origin,
    item_number,
    item_name,
    retailer,
    product_name,
    median_price_gbp,
    in_scope,
    readings
from {{ source('raw', 'scope_labels') }}
