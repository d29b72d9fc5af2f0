{{ config(materialized='view', tags=['whole']) }}

-- Rows of a file with the same authorities, age and sex are parts of one figure. Of a figure that several current files
-- have, the file that arrived last counts.
with figures as (
    select
        loads.data_origin,
        delivered.year_ending,
        delivered.origin,
        delivered.destination,
        delivered.age,
        delivered.sex,
        delivered.load_id,
        files.landed_at,
        files.file_id,
        sum(delivered.moves) as moves,
        min(delivered.line) as line
    from {{ source('raw', 'detailed_migration') }} as delivered
    inner join {{ source('ops', 'loads') }} as loads
        on delivered.load_id = loads.load_id
    inner join {{ source('ops', 'files') }} as files
        on loads.file_id = files.file_id
    where files.superseded_by is null
    group by
        loads.data_origin,
        delivered.year_ending,
        delivered.origin,
        delivered.destination,
        delivered.age,
        delivered.sex,
        delivered.load_id,
        files.landed_at,
        files.file_id
)

select distinct on (data_origin, year_ending, origin, destination, age, sex)
    data_origin,
    year_ending,
    origin,
    destination,
    age,
    sex,
    moves,
    load_id,
    line
from figures
order by
    data_origin asc,
    year_ending asc,
    origin asc,
    destination asc,
    age asc,
    sex asc,
    landed_at desc,
    file_id asc
