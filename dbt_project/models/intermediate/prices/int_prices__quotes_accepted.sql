{{ config(pre_hook="{{ join_by_hash() }}") }}

with quotes as (

    select quotes.*
    from {{ ref('int_prices__quotes_identified') }} as quotes
    inner join {{ ref('price_quote_counts') }} as counts
        on
            quotes.data_origin = counts.data_origin
            and quotes.retailer = counts.retailer
            and quotes.item_number = counts.item_number
            and quotes.collected_on = counts.collected_on
    where counts.status in ('accepted', 'unjudged')

),

final as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        quotes.product,
        quotes.collected_on,
        quotes.price_gbp
    from quotes
    left join {{ ref('int_prices__quotes_excluded') }} as excluded
        on
            quotes.data_origin = excluded.data_origin
            and quotes.retailer = excluded.retailer
            and quotes.item_number = excluded.item_number
            and quotes.product = excluded.product
            and quotes.collected_on = excluded.collected_on
    where excluded.reason is null

)

select * from final
