{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.trip_day,
    delivered.hour,
    delivered.origin,
    delivered.destination,
    delivered.distance_km,
    delivered.activity_origin,
    delivered.activity_destination,
    delivered.study_origin,
    delivered.study_destination,
    delivered.residence,
    delivered.income,
    delivered.age,
    delivered.sex,
    delivered.trips,
    delivered.trips_km
from {{ source('raw', 'phone_trips') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
