-- Resident devices of zones: of operators from their margins; of published flows the users by home.
with margins as (

    select
        data_origin,
        provider,
        month,
        spec_id,
        zone as area,
        segment,
        devices
    from {{ ref('stg_phones__zone_margins') }}
    where active_on is null

),

codes as (

    select distinct
        data_origin,
        provider,
        month,
        spec_id,
        geography,
        vintage
    from {{ ref('stg_phones__flows') }}

),

users as (

    select
        data_origin,
        provider,
        month,
        geography,
        vintage,
        origin as area,
        'all' as segment,
        sum(flow) as devices
    from {{ ref('int_phones__flows_united') }}
    where provider = 'users'
    group by data_origin, provider, month, geography, vintage, origin

),

final as (

    select
        margins.data_origin,
        margins.provider,
        margins.month,
        codes.geography,
        codes.vintage,
        margins.area,
        margins.segment,
        margins.devices
    from margins
    inner join codes
        on
            margins.data_origin = codes.data_origin
            and margins.provider = codes.provider
            and margins.month = codes.month
            and margins.spec_id = codes.spec_id
    union all
    select * from users

)

select * from final
