select
    recipe,
    data_origin,
    provider,
    month,
    geography,
    vintage,
    parameters_hash,
    day_type,
    kind,
    origins,
    devices,
    persons,
    lower,
    upper,
    reason,
    status
from {{ source('analysis', 'phone_flow_totals') }}
