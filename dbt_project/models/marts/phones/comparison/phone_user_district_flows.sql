with areas as (
    -- Of an area that several current files have, the row with residents counts: the census file.
    select distinct on (data_origin, code)
        data_origin,
        code,
        district_name
    from {{ ref('stg_phones__zones') }}
    where vintage = 'MSOA21'
    order by data_origin asc, code asc, residents desc nulls last, load_id asc, line asc
)

select
    flows.data_origin,
    flows.month,
    homes.district_name as origin_district,
    works.district_name as destination_district,
    homes.district_name = works.district_name as is_within,
    count(*)::integer as pairs,
    sum(flows.users)::bigint as users
from {{ ref('stg_phones__published_flows') }} as flows
left join areas as homes
    on flows.data_origin = homes.data_origin and flows.origin = homes.code
left join areas as works
    on flows.data_origin = works.data_origin and flows.destination = works.code
group by flows.data_origin, flows.month, homes.district_name, works.district_name
