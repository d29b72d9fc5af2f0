{{ config(pre_hook="{{ join_by_hash() }}") }}

with final as (

    select * from {{ ref('int_prices__figures_combined') }}

)

select * from final
