{{ config(materialized='view', tags=['whole']) }}

-- Of a month that several current files have, the last file by name counts.
select distinct on (loads.data_origin, rows.item_number, rows.month)
    loads.data_origin,
    rows.item_number,
    rows.item_name,
    rows.month,
    rows.index,
    rows.weight,
    rows.imputation
from {{ source('raw', 'official_item_indices') }} as rows
inner join {{ source('ops', 'loads') }} as loads
    on rows.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
order by loads.data_origin asc, rows.item_number asc, rows.month asc, files.name desc, rows.line desc
