select
    data_origin,
    origin,
    destination,
    sum(persons)::double precision as flow
from {{ ref('stg_tweets__census_flows') }}
where
    census_table = 'odmg01ew'
    and geography = 'ltla'
    and origin_status = 'area'
    and destination_status = 'area'
    and origin <> destination
group by data_origin, origin, destination
