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
        coalesce(decided.new_item_number, quotes.item_number) as item_number,
        quotes.product,
        quotes.collected_on,
        coalesce(decided.price_gbp, quotes.price_gbp) as price_gbp,
        quotes.is_ambiguous and not coalesce(decided.is_settled, false) as is_ambiguous,
        quotes.in_stock,
        decided.decision,
        coalesce(decided.decision_id, counts.decision_id) as decision_id,
        quotes.item_number as collected_item_number
    from {{ ref('int_prices__quotes_identified') }} as quotes
    inner join {{ ref('int_prices__quote_counts_judged') }} as counts
        on
            quotes.data_origin = counts.data_origin
            and quotes.retailer = counts.retailer
            and quotes.item_number = counts.item_number
            and quotes.collected_on = counts.collected_on
    left join {{ ref('int_prices__quotes_decided') }} as decided
        on
            quotes.data_origin = decided.data_origin
            and quotes.retailer = decided.retailer
            and quotes.item_number = decided.item_number
            and quotes.product = decided.product
            and quotes.collected_on = decided.collected_on
    where
        (counts.enters or decided.decision = 'keep')
        and {{ in_stale_days('quotes.collected_on') }}
        and {{ in_stale_days('counts.collected_on') }}

)

select * from final
