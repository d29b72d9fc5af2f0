with comparisons as (

    select * from {{ source('analysis', 'price_comparisons') }}

),

names as (

    {{ level_names() }}

),

final as (

    select
        comparisons.*,
        names.name
    from comparisons
    left join names
        on
            comparisons.level = names.level
            and comparisons.code = names.code

)

select
    data_origin,
    kind,
    level,
    code,
    name,
    scope,
    left_series,
    right_series,
    frequency,
    periods,
    first_period,
    last_period,
    left_last_index,
    right_last_index,
    mean_difference,
    root_mean_square_difference,
    largest_difference,
    correlation,
    correlation_of_rates,
    mean_rate_difference,
    annual_rate_difference,
    left_turning_points,
    right_turning_points,
    shared_turning_points,
    reason
from final
