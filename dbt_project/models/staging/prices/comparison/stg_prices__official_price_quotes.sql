{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    rows.load_id,
    rows.line,
    rows.month,
    rows.item_number,
    rows.item_name,
    rows.validity,
    rows.shop_code,
    rows.price_gbp,
    rows.stratum_weight,
    rows.stratum_type,
    rows.stratum_cell,
    rows.region,
    rows.shop_type,
    rows.shop_weight,
    rows.base_price_gbp,
    rows.base_validity
from {{ source('raw', 'official_price_quotes') }} as rows
inner join {{ source('ops', 'loads') }} as loads
    on rows.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
