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

classes as (

    -- Of an area that several files have, the first class by load counts.
    select distinct on (data_origin, geography, code)
        data_origin,
        geography,
        code,
        rurality
    from {{ ref('stg_phones__zones') }}
    where rurality is not null
    order by data_origin asc, geography asc, code asc, load_id asc, line asc

),

districts as (

    select distinct on (data_origin, geography, code)
        data_origin,
        geography,
        code,
        district_name
    from {{ ref('stg_phones__zones') }}
    where district_name is not null
    order by data_origin asc, geography asc, code asc, load_id asc, line asc

),

final as (

    select
        positions.*,
        null::double precision as easting_km,
        null::double precision as northing_km,
        classes.rurality,
        districts.district_name
    from positions
    left join classes
        on
            positions.data_origin = classes.data_origin
            and positions.geography = classes.geography
            and positions.code = classes.code
    left join districts
        on
            positions.data_origin = districts.data_origin
            and positions.geography = districts.geography
            and positions.code = districts.code
    where positions.geography <> 'lad'
    union all
    select
        'real' as data_origin,
        'lad' as geography,
        code,
        null::double precision as longitude,
        null::double precision as latitude,
        easting_km,
        northing_km,
        null::text as rurality,
        null::text as district_name
    from {{ ref('phone_district_centres') }}

)

select * from final
