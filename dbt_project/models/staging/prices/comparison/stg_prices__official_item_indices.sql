{{ config(materialized='view', tags=['whole']) }}

-- Of a month that several current files have, the last file by name counts.
select distinct on (loads.data_origin, delivered.item_number, delivered.month)
    loads.data_origin,
    delivered.item_number,
    delivered.item_name,
    delivered.month,
    delivered.index,
    delivered.weight,
    delivered.imputation
from {{ source('raw', 'official_item_indices') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
order by loads.data_origin asc, delivered.item_number asc, delivered.month asc, files.name desc, delivered.line desc
