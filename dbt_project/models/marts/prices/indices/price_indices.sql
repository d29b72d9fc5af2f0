{{ config(materialized='view', post_hook=[]) }}

with final as (

    select
        level,
        code,
        name,
        period,
        method,
        recipe,
        index,
        products,
        status,
        reason,
        retailers,
        children,
        children_absent,
        imputed_share,
        base_period,
        parameters_hash,
        data_origin,
        standard_error,
        standard_error_reason,
        scope,
        frequency,
        days_collected,
        days_in_period,
        revision_status,
        vintage
    from {{ ref('int_prices__figures_combined') }}

)

select * from final
