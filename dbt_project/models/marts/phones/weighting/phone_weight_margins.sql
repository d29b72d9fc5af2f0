select
    recipe,
    data_origin,
    provider,
    month,
    geography,
    vintage,
    parameters_hash,
    margin,
    category,
    total,
    start,
    reached,
    relative_difference,
    capped_share
from {{ source('analysis', 'phone_weight_margins') }}
