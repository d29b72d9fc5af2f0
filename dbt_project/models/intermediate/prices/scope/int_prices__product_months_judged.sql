{{
    config(
        pre_hook="{{ join_by_hash() }}",
        post_hook="{{ record_table('month') }}",
    )
}}

select
    months.month,
    months.data_origin,
    months.retailer,
    months.item_number,
    months.collected_item_number,
    months.product,
    scoped.in_scope,
    sizes.pack_size,
    sizes.is_of_item_measure
from {{ ref('int_prices__product_months_accepted') }} as months
left join {{ ref('int_prices__products_scoped') }} as scoped
    on
        months.data_origin = scoped.data_origin
        and months.item_number = scoped.item_number
        and months.retailer = scoped.retailer
        and months.product = scoped.product
left join {{ ref('int_prices__product_pack_sizes') }} as sizes
    on
        months.data_origin = sizes.data_origin
        and months.item_number = sizes.item_number
        and months.retailer = sizes.retailer
        and months.product = sizes.product
