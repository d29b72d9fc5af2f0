with regions as (

    select
        data_origin,
        'region' as level,
        year_ending,
        origin,
        destination,
        moves as flow
    from {{ ref('stg_tweets__region_migration') }}

),

authorities as (

    select
        data_origin,
        'authority' as level,
        year_ending,
        origin,
        destination,
        sum(moves) as flow
    from {{ ref('stg_tweets__detailed_migration') }}
    group by data_origin, year_ending, origin, destination

),

final as (

    select * from regions
    union all
    select * from authorities

)

select * from final
