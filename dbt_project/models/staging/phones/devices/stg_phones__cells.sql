{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.provider,
    delivered.cell,
    delivered.easting_m,
    delivered.northing_m,
    delivered.area_class,
    delivered.radius_m,
    delivered.zone,
    delivered.zone_shares,
    delivered.education_share,
    delivered.share_aged_16_24,
    delivered.load_id,
    delivered.line
from {{ source('raw', 'phone_cells') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
