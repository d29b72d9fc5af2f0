{{ config(materialized='view', post_hook=[]) }}

with indices as (

    select * from {{ source('analysis', 'aggregate_price_indices') }}

),

diagnostics as (

    select * from {{ source('analysis', 'price_index_diagnostics') }}

),

settled as (

    select * from {{ source('analysis', 'settled_figures') }}

),

daily as (

    select
        data_origin,
        period
    from {{ source('analysis', 'aggregate_price_indices') }}
    where frequency = 'daily'

),

-- Of the tables of figures, which no build of dbt drops: with a model that it did, this view and those on it would go.
last_days as (

    select
        data_origin,
        max(period) as last_day
    from daily
    group by data_origin

),

names as (

    {{ level_names() }}

),

final as (

    select
        indices.level,
        indices.code,
        names.name,
        indices.period,
        indices.method,
        indices.recipe,
        -- a settled figure is the one that was settled, or revised by an event since
        case when settled.revision_status is null then indices.index else settled.index end as index,
        indices.products,
        indices.status,
        indices.reason,
        indices.retailers,
        indices.children,
        indices.children_absent,
        indices.imputed_share,
        indices.base_period,
        indices.parameters_hash,
        indices.data_origin,
        diagnostics.standard_error,
        case
            when diagnostics.standard_error is null
                then coalesce(diagnostics.standard_error_reason, 'not estimated: the resamples are of an earlier run')
        end as standard_error_reason,
        diagnostics.change_error_percent,
        case
            when diagnostics.change_error_percent is null
                then coalesce(diagnostics.change_error_reason, 'not estimated: the resamples are of an earlier run')
        end as change_error_reason,
        diagnostics.week_change_error_percent,
        case
            when diagnostics.week_change_error_percent is null
                then coalesce(diagnostics.week_change_error_reason, 'not estimated: the resamples are of an earlier run')
        end as week_change_error_reason,
        indices.scope,
        indices.frequency,
        diagnostics.days_collected,
        diagnostics.days_in_period,
        coalesce(settled.revision_status, 'provisional') as revision_status,
        coalesce(settled.vintage, last_days.last_day) as vintage
    from indices
    left join settled
        on
            indices.data_origin = settled.data_origin
            and indices.level = settled.level
            and indices.code = settled.code
            and indices.recipe = settled.recipe
            and indices.method = settled.method
            and indices.scope = settled.scope
            and indices.period = settled.period
    left join last_days
        on indices.data_origin = last_days.data_origin
    left join names
        on
            indices.level = names.level
            and indices.code = names.code
    left join diagnostics
        on
            indices.data_origin = diagnostics.data_origin
            and indices.level = diagnostics.level
            and indices.code = diagnostics.code
            and indices.recipe = diagnostics.recipe
            and indices.method = diagnostics.method
            and indices.scope = diagnostics.scope
            and indices.period = diagnostics.period

)

select * from final
