-- Flows of contract and pay-as-you-go devices between zones.
select
    data_origin,
    provider,
    month,
    geography,
    vintage,
    day_type,
    segment,
    origin_code as origin,
    dest_code as destination,
    coalesce(devices, persons) as flow,
    lower,
    upper
from {{ ref('stg_phones__flows') }}
where cell_kind = 'pair' and segment in ('contract', 'payg')
