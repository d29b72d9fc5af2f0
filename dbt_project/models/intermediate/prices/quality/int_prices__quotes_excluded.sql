{{ config(pre_hook="{{ join_by_hash() }}") }}

{# A price above this many times its product's median, or below the median divided by it, is an error. #}
{% set factor = 10 %}
{# With fewer quotes than this the median is one price or the mean of two, and does not show which is the error. #}
{% set fewest_quotes = 3 %}

-- Dropped, out-of-stock and ambiguous quotes are not part of the reference prices.
with prices as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        percentile_cont(0.5) within group (order by price_gbp) as median_price_gbp,
        count(*) as quotes,
        min(price_gbp) as lowest_price_gbp,
        max(price_gbp) as highest_price_gbp
    from {{ ref('int_prices__quotes_entering') }}
    where not is_ambiguous and in_stock is distinct from false and decision is distinct from 'drop'
    group by data_origin, retailer, item_number, product

),

-- Re-mapped quotes of products that the new item already has on that day, collected under it or under a third item.
remapped_twice as (

    select distinct
        remapped.data_origin,
        remapped.retailer,
        remapped.item_number,
        remapped.product,
        remapped.collected_on,
        remapped.collected_item_number
    from {{ ref('int_prices__quotes_entering') }} as remapped
    inner join {{ ref('int_prices__quotes_entering') }} as others
        on
            remapped.data_origin = others.data_origin
            and remapped.retailer = others.retailer
            and remapped.item_number = others.item_number
            and remapped.product = others.product
            and remapped.collected_on = others.collected_on
    where
        remapped.item_number <> remapped.collected_item_number
        and others.decision is distinct from 'drop'
        and (
            others.item_number = others.collected_item_number
            or others.collected_item_number < remapped.collected_item_number
        )

),

reasoned as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        quotes.product,
        quotes.collected_on,
        quotes.price_gbp,
        prices.median_price_gbp,
        case
            when quotes.decision = 'drop' then 'dropped_by_analyst'
            when items.item_number is null then 'unknown_item'
            when remapped_twice.product is not null then 'remapped_twice'
            when quotes.decision = 'keep' then null
            when not quotes.in_stock then 'out_of_stock'
            when quotes.is_ambiguous then 'ambiguous_listing'
            when prices.quotes < {{ fewest_quotes }}
                then case when prices.highest_price_gbp > {{ factor }} * prices.lowest_price_gbp then 'price_error' end
            when
                quotes.price_gbp > {{ factor }} * prices.median_price_gbp
                or quotes.price_gbp < prices.median_price_gbp / {{ factor }}
                then 'price_error'
        end as reason,
        quotes.decision_id,
        quotes.collected_item_number
    from {{ ref('int_prices__quotes_entering') }} as quotes
    left join prices
        on
            quotes.data_origin = prices.data_origin
            and quotes.retailer = prices.retailer
            and quotes.item_number = prices.item_number
            and quotes.product = prices.product
    left join {{ ref('items') }} as items
        on quotes.item_number = items.item_number
    left join remapped_twice
        on
            quotes.data_origin = remapped_twice.data_origin
            and quotes.retailer = remapped_twice.retailer
            and quotes.item_number = remapped_twice.item_number
            and quotes.product = remapped_twice.product
            and quotes.collected_on = remapped_twice.collected_on
            and quotes.collected_item_number = remapped_twice.collected_item_number

),

final as (

    select * from reasoned
    where reason is not null

)

select * from final
