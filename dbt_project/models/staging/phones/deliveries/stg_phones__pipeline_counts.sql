{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.product,
    delivered.dataset_id,
    delivered.level,
    delivered.zone,
    delivered.from_zone,
    delivered.label,
    delivered.persons,
    delivered.status
from {{ source('raw', 'phone_pipeline_counts') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
