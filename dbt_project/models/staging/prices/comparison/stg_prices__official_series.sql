{{ config(materialized='view', tags=['whole']) }}

-- Of a month that several current files have, the last file by name counts.
select distinct on (loads.data_origin, delivered.series_id, delivered.month)
    loads.data_origin,
    delivered.series_id,
    delivered.title,
    delivered.month,
    delivered.value
from {{ source('raw', 'official_series') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
order by loads.data_origin asc, delivered.series_id asc, delivered.month asc, files.name desc, delivered.line desc
