select
    data_origin,
    provider,
    month,
    measure,
    area_class,
    spec_id,
    value,
    lower,
    upper,
    devices,
    reason
from {{ source('analysis', 'phone_anchor_evaluation') }}
