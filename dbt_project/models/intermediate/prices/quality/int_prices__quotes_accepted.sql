{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

with final as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        quotes.product,
        quotes.collected_on,
        quotes.price_gbp,
        quotes.decision_id,
        quotes.collected_item_number
    from {{ ref('int_prices__quotes_entering') }} as quotes
    left join {{ ref('int_prices__quotes_excluded') }} as excluded
        on
            quotes.data_origin = excluded.data_origin
            and quotes.retailer = excluded.retailer
            and quotes.item_number = excluded.item_number
            and quotes.product = excluded.product
            and quotes.collected_on = excluded.collected_on
            and quotes.collected_item_number = excluded.collected_item_number
    where excluded.reason is null and {{ in_stale_days('quotes.collected_on') }}

)

select * from final
