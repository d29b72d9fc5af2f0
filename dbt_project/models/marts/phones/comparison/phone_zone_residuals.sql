select
    recipe,
    data_origin,
    provider,
    month,
    geography,
    day_type,
    census_year,
    parameters_hash,
    estimate,
    side,
    zone,
    residual,
    local_moran,
    x_km,
    y_km
from {{ source('analysis', 'phone_zone_residuals') }}
