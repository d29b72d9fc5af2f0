{# An older price of a product can be recognised over so many days before the first quote of another source. #}
{% set days_before = 28 %}

with spans as (

    {{ other_source_spans() }}

),

final as (

    select
        accepted.data_origin,
        accepted.retailer,
        accepted.item_number,
        accepted.product,
        accepted.collected_on,
        accepted.price_gbp
    from {{ ref('int_prices__quotes_accepted') }} as accepted
    inner join spans
        on
            accepted.data_origin = spans.data_origin
            and accepted.retailer = spans.retailer
            and accepted.collected_on between spans.first_day - {{ days_before }} and spans.last_day

)

select * from final
