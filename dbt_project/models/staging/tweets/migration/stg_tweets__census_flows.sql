{{ config(materialized='view', tags=['whole']) }}

-- Of a pair that several current files have, the file that arrived last counts.
select distinct on (
    loads.data_origin,
    delivered.census_table,
    delivered.geography,
    delivered.origin,
    delivered.destination,
    delivered.workplace_indicator
)
    loads.data_origin,
    delivered.census_table,
    delivered.geography,
    delivered.workplace_indicator,
    delivered.persons,
    delivered.load_id,
    delivered.line,
    case when delivered.origin ~ '^[A-Z]' then delivered.origin end as origin,
    case delivered.origin when '-8' then 'not_applicable' when '999999999' then 'outside_uk' else 'area' end
        as origin_status,
    case when delivered.destination ~ '^[A-Z]' then delivered.destination end as destination,
    case delivered.destination when '-8' then 'not_applicable' when '999999999' then 'outside_uk' else 'area' end
        as destination_status
from {{ source('raw', 'census_flows') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
order by
    loads.data_origin asc,
    delivered.census_table asc,
    delivered.geography asc,
    delivered.origin asc,
    delivered.destination asc,
    delivered.workplace_indicator asc,
    files.landed_at desc,
    files.file_id asc,
    delivered.line asc
