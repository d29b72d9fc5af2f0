{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.figure,
    delivered.provider,
    delivered.year,
    delivered.geography,
    delivered.area,
    delivered.category,
    delivered.value,
    delivered.standard_error,
    delivered.source,
    delivered.load_id,
    delivered.line
from {{ source('raw', 'phone_population_figures') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
