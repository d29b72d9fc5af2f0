{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.vintage,
    delivered.origin,
    delivered.destination,
    delivered.origin_county,
    delivered.destination_county,
    delivered.users
from {{ source('raw', 'phone_published_flows') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
