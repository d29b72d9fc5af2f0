{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.census_table,
    delivered.census_year,
    delivered.geography,
    delivered.origin,
    delivered.destination,
    delivered.destination_kind,
    delivered.persons,
    delivered.from_home,
    delivered.light_rail,
    delivered.train,
    delivered.bus,
    delivered.taxi,
    delivered.motorbike,
    delivered.car_driver,
    delivered.car_passenger,
    delivered.bicycle,
    delivered.foot,
    delivered.other
from {{ source('raw', 'phone_census_flows') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
