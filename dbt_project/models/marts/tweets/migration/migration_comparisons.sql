with estimated as (

    select * from {{ source('analysis', 'migration_comparisons') }}

),

final as (

    select
        recipe,
        data_origin,
        comparison,
        year_ending,
        quarters,
        metric,
        value,
        lower,
        upper,
        reason,
        parameters_hash
    from estimated

)

select * from final
