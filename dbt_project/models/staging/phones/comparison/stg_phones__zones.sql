{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.vintage,
    delivered.geography,
    delivered.code,
    delivered.name,
    delivered.district_name,
    delivered.residents,
    delivered.longitude,
    delivered.latitude,
    delivered.rurality
from {{ source('raw', 'phone_zones') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
