with positions as (

    select distinct on (data_origin, geography, code)
        data_origin,
        geography,
        code,
        longitude,
        latitude
    from {{ ref('stg_phones__zones') }}
    where longitude is not null and latitude is not null
    order by data_origin asc, geography asc, code asc, load_id asc, line asc

),

final as (

    select
        *,
        null::double precision as easting_km,
        null::double precision as northing_km
    from positions
    where geography <> 'lad'
    union all
    select
        'real' as data_origin,
        'lad' as geography,
        code,
        null::double precision as longitude,
        null::double precision as latitude,
        easting_km,
        northing_km
    from {{ ref('phone_district_centres') }}

)

select * from final
