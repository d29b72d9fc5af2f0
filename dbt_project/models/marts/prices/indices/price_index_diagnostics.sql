{{ config(materialized='view', post_hook=[]) }}

-- A view: it adds names to a million rows that are written anew each day.
with figures as (

    select * from {{ source('analysis', 'price_index_diagnostics') }}

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
        figures.frequency,
        figures.index,
        figures.standard_error,
        figures.standard_error_reason,
        figures.change_error_percent,
        figures.change_error_reason,
        figures.week_change_error_percent,
        figures.week_change_error_reason,
        figures.replicates,
        figures.sampled_share,
        figures.days_collected,
        figures.days_in_period,
        figures.retailers,
        figures.products,
        figures.products_used,
        figures.matched_share,
        figures.quotes,
        figures.entries_per_product,
        figures.referred_share,
        figures.filtered,
        figures.imputed_share,
        figures.window_revision_percent,
        figures.window_revision_reason,
        figures.drift_percent,
        figures.drift_reason,
        figures.data_origin
    from figures
    left join names
        on
            figures.level = names.level
            and figures.code = names.code

)

select * from final
