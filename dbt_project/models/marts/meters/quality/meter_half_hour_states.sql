with controlled as (

    select * from {{ source('analysis', 'meter_states_controlled') }}

)

select * from controlled
