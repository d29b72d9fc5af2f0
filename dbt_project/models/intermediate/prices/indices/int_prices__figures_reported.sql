{{ config(pre_hook="{{ join_by_hash() }}") }}

with final as (

    select
        data_origin,
        level,
        code,
        name,
        period,
        index,
        reason,
        standard_error,
        standard_error_reason,
        change_error_percent,
        change_error_reason,
        week_change_error_percent,
        week_change_error_reason,
        base_period
    from {{ ref('int_prices__figures_combined') }}
    where
        method = 'jevons_chained'
        and scope = 'shelf'
        and level in ('division', 'item')

)

select * from final
