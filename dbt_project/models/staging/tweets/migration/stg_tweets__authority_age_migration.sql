{{ config(materialized='view', tags=['whole']) }}

-- Of a group that several current files have, the file that arrived last counts.
select distinct on (loads.data_origin, delivered.year_ending, delivered.authority, delivered.age_group)
    loads.data_origin,
    delivered.year_ending,
    delivered.authority,
    delivered.authority_name,
    delivered.age_group,
    delivered.moves_in,
    delivered.moves_out,
    delivered.load_id,
    delivered.line
from {{ source('raw', 'authority_age_migration') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
order by
    loads.data_origin asc,
    delivered.year_ending asc,
    delivered.authority asc,
    delivered.age_group asc,
    files.landed_at desc,
    files.file_id asc,
    delivered.line asc
