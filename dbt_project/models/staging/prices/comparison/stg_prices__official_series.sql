{{ config(materialized='view', tags=['whole']) }}

-- Of a month that several current files have, the last file by name counts.
select distinct on (loads.data_origin, rows.series_id, rows.month)
    loads.data_origin,
    rows.series_id,
    rows.title,
    rows.month,
    rows.value
from {{ source('raw', 'official_series') }} as rows
inner join {{ source('ops', 'loads') }} as loads
    on rows.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
order by loads.data_origin asc, rows.series_id asc, rows.month asc, files.name desc, rows.line desc
