{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

-- The effective decision on each product and day: the most specific one, then the latest.
with decisions as (

    select * from {{ ref('int_prices__decisions_judged') }}
    where state = 'effective' and not is_of_whole_days

),

quotes as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        products.product,
        quotes.collected_on,
        decisions.decision_id,
        decisions.version,
        decisions.decision,
        decisions.corrected_price_gbp,
        decisions.factor,
        decisions.new_item_number,
        row_number() over (
            partition by
                quotes.data_origin, quotes.retailer, quotes.item_number, products.product, quotes.collected_on
            order by decisions.specificity desc, decisions.decided_on desc, decisions.decision_id desc
        ) as place
    from decisions
    inner join {{ ref('stg_prices__quotes') }} as quotes
        on
            decisions.retailer = quotes.retailer
            and quotes.collected_on >= decisions.valid_from
            and (decisions.valid_to is null or quotes.collected_on <= decisions.valid_to)
            and (decisions.item_number is null or decisions.item_number = quotes.item_number)
            and (decisions.category is null or decisions.category = quotes.category)
            and (decisions.product_name is null or decisions.product_name = quotes.product_name)
    inner join {{ ref('int_prices__products') }} as products
        on quotes.listing_id = products.listing_id
    where {{ in_stale_days('quotes.collected_on') }}

),

final as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        quotes.product,
        quotes.collected_on,
        quotes.decision_id,
        quotes.version,
        quotes.decision,
        identified.price_gbp as collected_price_gbp,
        coalesce(quotes.corrected_price_gbp, identified.price_gbp * coalesce(quotes.factor, 1)) as price_gbp,
        -- a price that the analyst states or keeps is not ambiguous
        quotes.corrected_price_gbp is not null or quotes.decision = 'keep' as is_settled,
        coalesce(quotes.new_item_number, quotes.item_number) as new_item_number
    from quotes
    inner join {{ ref('int_prices__quotes_identified') }} as identified
        on
            quotes.data_origin = identified.data_origin
            and quotes.retailer = identified.retailer
            and quotes.item_number = identified.item_number
            and quotes.product = identified.product
            and quotes.collected_on = identified.collected_on
    where quotes.place = 1 and {{ in_stale_days('identified.collected_on') }}

)

select * from final
