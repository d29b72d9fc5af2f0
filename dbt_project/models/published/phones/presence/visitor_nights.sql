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
from {{ ref('phone_visitor_nights') }}
