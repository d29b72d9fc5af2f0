{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.provider,
    delivered.spec_id,
    delivered.item,
    delivered.subject,
    delivered.value
from {{ source('raw', 'phone_provider_reports') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
