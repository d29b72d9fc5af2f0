select
    data_origin,
    provider,
    month,
    day_type,
    period,
    area,
    geography,
    persons,
    lower,
    upper,
    devices,
    status,
    reason,
    recipe,
    parameters_hash
from {{ ref('phone_population_present') }}
