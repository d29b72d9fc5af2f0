-- A check of this table compares it with the margins.
-- depends_on: {{ ref('stg_phones__zone_margins') }}
select
    data_origin,
    provider,
    month,
    spec_id,
    vintage,
    segment,
    day_type,
    count(*)::integer as pairs,
    count(*) filter (where status = 'observed')::integer as observed_pairs,
    count(*) filter (where status = 'rounded')::integer as rounded_pairs,
    count(*) filter (where status = 'suppressed')::integer as suppressed_pairs,
    count(*) filter (where status = 'structural_zero')::integer as structural_zeros,
    count(*) filter (where status = 'not_supplied')::integer as pairs_not_supplied,
    sum(lower) as least,
    case when bool_or(upper is null) then null else sum(upper) end as most,
    coalesce(sum(upper) filter (where status = 'suppressed'), 0) as hidden_mass
from {{ ref('stg_phones__flows') }}
where cell_kind = 'pair'
group by data_origin, provider, month, spec_id, vintage, segment, day_type
