{{ config(materialized='view', post_hook=[]) }}

-- A view: it adds names to a million rows that are written anew each day.
with figures as (

    select * from {{ source('analysis', 'price_index_movements') }}

),

names as (

    {{ level_names() }}

),

final as (

    select
        figures.level,
        figures.code,
        names.name,
        figures.recipe,
        figures.method,
        figures.scope,
        figures.period,
        figures.previous_period,
        figures.movement,
        figures.prices,
        figures.churn,
        figures.imputation,
        figures.rejected_days,
        figures.splice,
        figures.data_origin
    from figures
    left join names
        on
            figures.level = names.level
            and figures.code = names.code

)

select * from final
