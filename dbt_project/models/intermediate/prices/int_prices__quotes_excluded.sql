{{ config(pre_hook="{{ join_by_hash() }}") }}

{# A price above this many times its product's median, or below the median divided by it, is an error. #}
{% set factor = 10 %}

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

medians as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        percentile_cont(0.5) within group (order by price_gbp) as median_price_gbp
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
        medians.median_price_gbp,
        case
            when quotes.is_ambiguous then 'ambiguous_listing'
            when
                quotes.price_gbp > {{ factor }} * medians.median_price_gbp
                or quotes.price_gbp < medians.median_price_gbp / {{ factor }}
                then 'price_error'
        end as reason
    from quotes
    left join medians
        on
            quotes.data_origin = medians.data_origin
            and quotes.retailer = medians.retailer
            and quotes.item_number = medians.item_number
            and quotes.product = medians.product

),

final as (

    select * from reasoned
    where reason is not null

)

select * from final
