with consumption as (

    select * from {{ ref('meter_consumption') }}

)

select * from consumption
