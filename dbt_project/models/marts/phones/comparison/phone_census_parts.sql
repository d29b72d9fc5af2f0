select
    recipe,
    data_origin,
    provider,
    month,
    geography,
    day_type,
    census_year,
    parameters_hash,
    part,
    rows,
    persons
from {{ source('analysis', 'phone_census_parts') }}
