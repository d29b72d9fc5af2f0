with controlled as (

    select * from {{ source('analysis', 'meter_consumption_controlled') }}

)

select * from controlled
