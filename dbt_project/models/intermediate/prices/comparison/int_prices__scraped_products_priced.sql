{{ config(pre_hook="{{ join_by_hash() }}") }}

{# Products that went out of sale so many days before the first quote of another source are compared, too. #}
{% set days_before = 7 %}

with spans as (

    {{ other_source_spans() }}

),

final as (

    select
        accepted.data_origin,
        accepted.retailer,
        accepted.item_number,
        accepted.product,
        min(products.product_id) as product_id,
        min(products.product_name) as product_name,
        case
            when min(products.size_class) = max(products.size_class) then power(1.08, min(products.size_class))
        end::double precision as pack_size,
        percentile_cont(0.5) within group (order by accepted.price_gbp) as price_gbp
    from {{ ref('int_prices__quotes_accepted') }} as accepted
    inner join {{ ref('int_prices__products') }} as products
        on
            accepted.data_origin = products.data_origin
            and accepted.retailer = products.retailer
            and accepted.item_number = products.item_number
            and accepted.product = products.product
    inner join spans
        on
            accepted.data_origin = spans.data_origin
            and accepted.retailer = spans.retailer
            and accepted.collected_on between spans.first_day - {{ days_before }} and spans.last_day
    group by accepted.data_origin, accepted.retailer, accepted.item_number, accepted.product

)

select * from final
