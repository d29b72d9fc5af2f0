with estimated as (

    select * from {{ source('analysis', 'migration_area_bias') }}

),

authorities as (

    select
        data_origin,
        authority,
        min(authority_name) as authority_name
    from {{ ref('stg_tweets__area_populations') }}
    group by data_origin, authority

),

final as (

    select
        estimated.recipe,
        estimated.data_origin,
        estimated.authority,
        authorities.authority_name,
        estimated.year_ending,
        estimated.direction,
        estimated.quarters,
        estimated.scale,
        estimated.estimate,
        estimated.reference,
        estimated.difference_per_1000,
        estimated.log_ratio,
        estimated.reason,
        estimated.parameters_hash
    from estimated
    left join authorities
        on
            estimated.data_origin = authorities.data_origin
            and estimated.authority = authorities.authority

)

select * from final
