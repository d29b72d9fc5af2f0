with by_age_group as (

    select
        data_origin,
        year_ending,
        authority,
        age_group = '18-25' as is_student_age,
        moves_in,
        moves_out
    from {{ ref('stg_tweets__authority_age_migration') }}

),

-- Detailed files count for the years of which there is no table by authority and age.
detailed as (

    select delivered.*
    from {{ ref('stg_tweets__detailed_migration') }} as delivered
    where not exists (
        select 1 as found
        from by_age_group
        where
            by_age_group.data_origin = delivered.data_origin
            and by_age_group.year_ending = delivered.year_ending
    )

),

arrivals as (

    select
        data_origin,
        year_ending,
        destination as authority,
        age between 18 and 25 as is_student_age,
        moves as moves_in,
        0 as moves_out
    from detailed

),

departures as (

    select
        data_origin,
        year_ending,
        origin as authority,
        age between 18 and 25 as is_student_age,
        0 as moves_in,
        moves as moves_out
    from detailed

),

moved as (

    select * from by_age_group
    union all
    select * from arrivals
    union all
    select * from departures

)

select
    data_origin,
    year_ending,
    authority,
    is_student_age,
    sum(moves_in) as moves_in,
    sum(moves_out) as moves_out
from moved
group by data_origin, year_ending, authority, is_student_age
