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
        standard_error_reason
    from {{ ref('int_prices__figures_combined') }}
    where
        method = 'jevons_chained'
        and scope = 'shelf'
        and level in ('division', 'item')

)

select * from final
