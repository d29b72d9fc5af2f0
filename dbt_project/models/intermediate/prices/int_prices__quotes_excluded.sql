{{ config(pre_hook="{{ join_by_hash() }}") }}

{# A price above this many times its product's median, or below the median divided by it, is an error. #}
{% set factor = 10 %}
{# With fewer quotes than this the median is the price of one or midway between two: it tells no error from a price. #}
{% set fewest_quotes = 3 %}

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

prices as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        percentile_cont(0.5) within group (order by price_gbp) as median_price_gbp,
        count(*) as quotes,
        min(price_gbp) as lowest_price_gbp,
        max(price_gbp) as highest_price_gbp
    from quotes
    where not is_ambiguous
    group by data_origin, retailer, item_number, product

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
            when items.item_number is null then 'unknown_item'
            when quotes.is_ambiguous then 'ambiguous_listing'
            when prices.quotes < {{ fewest_quotes }}
                then case when prices.highest_price_gbp > {{ factor }} * prices.lowest_price_gbp then 'price_error' end
            when
                quotes.price_gbp > {{ factor }} * prices.median_price_gbp
                or quotes.price_gbp < prices.median_price_gbp / {{ factor }}
                then 'price_error'
        end as reason
    from quotes
    left join prices
        on
            quotes.data_origin = prices.data_origin
            and quotes.retailer = prices.retailer
            and quotes.item_number = prices.item_number
            and quotes.product = prices.product
    left join {{ ref('items') }} as items
        on quotes.item_number = items.item_number

),

final as (

    select * from reasoned
    where reason is not null

)

select * from final
