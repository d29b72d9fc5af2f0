select
    data_origin,
    year_ending,
    authority,
    sum(moves_in) as inflow,
    sum(moves_out) as outflow
from {{ ref('stg_tweets__authority_age_migration') }}
group by data_origin, year_ending, authority
