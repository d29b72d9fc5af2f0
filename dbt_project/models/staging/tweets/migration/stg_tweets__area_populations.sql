{{ config(materialized='view', tags=['whole']) }}

-- The last file by name counts, whole.
with current_files as (

    select
        files.file_id,
        loads.load_id,
        loads.data_origin,
        rank() over (partition by loads.data_origin order by files.name desc) as place
    from {{ source('ops', 'loads') }} as loads
    inner join {{ source('ops', 'files') }} as files
        on loads.file_id = files.file_id
    where
        files.superseded_by is null
        and loads.load_id in (select delivered.load_id from {{ source('raw', 'area_populations') }} as delivered)

)

select
    current_files.data_origin,
    delivered.output_area,
    delivered.msoa,
    delivered.authority,
    delivered.authority_name,
    delivered.region,
    delivered.easting_m,
    delivered.northing_m,
    delivered.residents,
    delivered.residents_16_plus,
    delivered.load_id,
    delivered.line
from {{ source('raw', 'area_populations') }} as delivered
inner join current_files
    on delivered.load_id = current_files.load_id
where current_files.place = 1
