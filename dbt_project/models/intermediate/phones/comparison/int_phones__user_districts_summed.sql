with areas as (

    -- Of an area that several current files have, the row with residents counts: the census file.
    select distinct on (data_origin, code)
        data_origin,
        code,
        district_name
    from {{ ref('stg_phones__zones') }}
    where vintage = 'MSOA21'
    order by data_origin asc, code asc, residents desc nulls last, load_id asc, line asc

),

districts as (

    -- A name that two districts have identifies none.
    select
        data_origin,
        name,
        min(code) as code
    from {{ ref('stg_phones__zones') }}
    where geography = 'lad'
    group by data_origin, name
    having count(distinct code) = 1

),

final as (

    select
        flows.data_origin,
        flows.month,
        homes.district_name as origin_district,
        works.district_name as destination_district,
        home_codes.code as origin_code,
        work_codes.code as destination_code,
        count(*)::integer as pairs,
        sum(flows.users)::bigint as users
    from {{ ref('stg_phones__published_flows') }} as flows
    left join areas as homes
        on flows.data_origin = homes.data_origin and flows.origin = homes.code
    left join areas as works
        on flows.data_origin = works.data_origin and flows.destination = works.code
    left join districts as home_codes
        on homes.data_origin = home_codes.data_origin and homes.district_name = home_codes.name
    left join districts as work_codes
        on works.data_origin = work_codes.data_origin and works.district_name = work_codes.name
    group by
        flows.data_origin, flows.month, homes.district_name, works.district_name, home_codes.code, work_codes.code

)

select * from final
