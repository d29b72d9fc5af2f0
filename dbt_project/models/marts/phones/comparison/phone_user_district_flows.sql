select
    data_origin,
    month,
    origin_district,
    destination_district,
    origin_district = destination_district as is_within,
    pairs,
    users
from {{ ref('int_phones__user_districts_summed') }}
