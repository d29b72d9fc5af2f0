{{ config(materialized='view', tags=['whole']) }}

-- The diagonal of a matrix is no figure. Of a pair that several current files have (the matrix of a year and its long
-- table), the file that arrived last counts.
select distinct on (loads.data_origin, delivered.year_ending, delivered.origin, delivered.destination)
    loads.data_origin,
    delivered.year_ending,
    delivered.origin,
    delivered.destination,
    delivered.moves,
    delivered.load_id,
    delivered.line
from {{ source('raw', 'region_migration') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
    and delivered.origin <> delivered.destination
order by
    loads.data_origin asc,
    delivered.year_ending asc,
    delivered.origin asc,
    delivered.destination asc,
    files.landed_at desc,
    files.file_id asc,
    delivered.line asc
