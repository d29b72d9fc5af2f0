{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    gaps.gap_day,
    gaps.stream,
    gaps.from_utc,
    gaps.to_utc,
    extract(epoch from gaps.to_utc - gaps.from_utc)::double precision as duration_s,
    gaps.reason,
    gaps.detail,
    gaps.failed_attempts,
    gaps.responses,
    gaps.half_line_bytes,
    gaps.load_id,
    gaps.line
from {{ source('raw', 'tweet_stream_gaps') }} as gaps
inner join {{ source('ops', 'loads') }} as loads
    on gaps.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
