{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

with quotes as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        collected_on,
        ln(price_gbp) as log_price
    from {{ ref('int_prices__quotes_accepted') }}
    where {{ in_view('collected_on', 'int_prices__quotes_accepted', 1, 0) }}

),

final as (

    select
        today.data_origin,
        today.retailer,
        today.item_number,
        today.collected_on,
        count(*)::integer as products,
        -- in a fixed order: a sum of floating-point numbers depends on it
        avg(today.log_price - before.log_price order by today.product) as mean_log_relative
    from quotes as today
    inner join quotes as before
        on
            today.data_origin = before.data_origin
            and today.retailer = before.retailer
            and today.item_number = before.item_number
            and today.product = before.product
            and today.collected_on = before.collected_on + 1
    where {{ in_stale_days('today.collected_on') }}
    group by today.data_origin, today.retailer, today.item_number, today.collected_on

)

select * from final
