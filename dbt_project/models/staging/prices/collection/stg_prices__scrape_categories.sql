{{ config(materialized='view', tags=['whole']) }}

select
    run_id,
    retailer,
    collected_on,
    data_origin,
    category,
    item_number,
    state,
    url,
    pages,
    products_listed,
    products_parsed,
    parse_failures,
    duplicates,
    product_names,
    reason
from {{ source('raw', 'scrape_categories') }}
