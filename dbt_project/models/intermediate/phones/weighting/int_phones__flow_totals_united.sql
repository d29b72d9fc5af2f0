-- Exact totals by zone of residence and of work that operators delivered, of all devices.
select
    data_origin,
    provider,
    month,
    geography,
    day_type,
    case when cell_kind = 'origin_total' then 'origin' else 'destination' end as side,
    case when cell_kind = 'origin_total' then origin_code else dest_code end as zone,
    lower as total
from {{ ref('stg_phones__flows') }}
where cell_kind in ('origin_total', 'destination_total') and segment = 'all' and lower = upper
