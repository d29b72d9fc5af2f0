select
    data_origin,
    provider,
    month,
    direction,
    country,
    area,
    visitors,
    nights,
    nights_lower,
    nights_upper,
    nights_per_device,
    devices,
    status,
    reason,
    recipe,
    parameters_hash
from {{ source('analysis', 'phone_visitor_nights_controlled') }}
