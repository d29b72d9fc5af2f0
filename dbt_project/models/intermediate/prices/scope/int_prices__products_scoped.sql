{{ config(pre_hook="{{ join_by_hash() }}") }}

{#
    A product may have been listed under several names. It is in scope where all its decided names are, out of scope
    where none is, and undecided where they disagree or none is decided.
#}

with names as (

    select distinct
        products.data_origin,
        products.item_number,
        products.retailer,
        products.product,
        products.product_name
    from {{ ref('int_prices__products') }} as products

),

decided as (

    select
        names.data_origin,
        names.item_number,
        names.retailer,
        names.product,
        bool_and(scope.in_scope) filter (where not scope.referred) as all_in,
        bool_or(scope.in_scope) filter (where not scope.referred) as any_in,
        min(case scope.decided_by when 'analyst' then 1 when 'rule' then 2 when 'model' then 3 end) as first_decider
    from names
    left join {{ source('analysis', 'product_scope') }} as scope
        on
            names.data_origin = scope.data_origin
            and names.item_number = scope.item_number
            and names.retailer = scope.retailer
            and names.product_name = scope.product_name
    group by names.data_origin, names.item_number, names.retailer, names.product

),

final as (

    select
        data_origin,
        item_number,
        retailer,
        product,
        case when all_in = any_in then all_in end as in_scope,
        case
            when (all_in is distinct from any_in) or all_in is null then 'none'
            else (array['analyst', 'rule', 'model'])[first_decider]
        end as scope_decided_by
    from decided

)

select * from final
