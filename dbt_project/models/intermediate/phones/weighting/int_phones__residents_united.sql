-- Residents of areas: from figures, of the latest year; else those of the files of areas, and of districts their sum.
with figures as (

    select distinct on (data_origin, geography, area)
        data_origin,
        geography,
        area,
        value as residents,
        standard_error as residents_error
    from {{ ref('stg_phones__population_figures') }}
    where figure = 'residents' and category = 'all' and area <> 'all'
    order by data_origin asc, geography asc, area asc, year desc, load_id asc, line asc

),

areas as (

    select distinct on (data_origin, geography, code)
        data_origin,
        geography,
        code as area,
        district_name,
        residents::double precision as residents
    from {{ ref('stg_phones__zones') }}
    where residents is not null
    order by data_origin asc, geography asc, code asc, load_id asc, line asc

),

district_codes as (

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

districts as (

    select
        areas.data_origin,
        'lad' as geography,
        district_codes.code as area,
        sum(areas.residents) as residents
    from areas
    inner join district_codes
        on areas.data_origin = district_codes.data_origin and areas.district_name = district_codes.name
    where areas.geography = 'msoa'
    group by areas.data_origin, district_codes.code

),

counted as (

    select
        data_origin,
        geography,
        area,
        residents
    from areas
    union all
    select * from districts

),

final as (

    select * from figures
    union all
    -- A census counts residents; the files of areas give no error.
    select
        counted.data_origin,
        counted.geography,
        counted.area,
        counted.residents,
        0::double precision as residents_error
    from counted
    left join figures
        on
            counted.data_origin = figures.data_origin
            and counted.geography = figures.geography
            and counted.area = figures.area
    where figures.area is null

)

select * from final
where residents > 0
