{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash(without_merging=true) }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

{# A price above this many times its product's median, or below the median divided by it, is an error. #}
{% set factor = 10 %}
{# With fewer quotes than this the median is one price or the mean of two, and does not show which is the error. #}
{% set fewest_quotes = 3 %}
{# The median is that of the days from so long before the quote to so long after it. #}
{% set back_days = 182 %}
{% set ahead_days = 28 %}

with quotes as (

    select * from {{ ref('int_prices__quotes_entering') }}
    where {{ in_stale_days('collected_on') }}

),

-- Read once, and neither stored nor sorted: half a year has two million quotes.
reference_prices as (

    select * from {{ ref('int_prices__quotes_entering') }}
    where
        {{ in_view('collected_on', 'int_prices__quotes_entering', back_days, ahead_days) }}
        and {{ is_reference_price() }}

),

-- No price of other products can be that far from their median: they are nearly all, and need none. The months that the
-- view touches are taken whole: a range that is too wide costs a median, and changes no row.
products_of_wide_range as (

    select
        data_origin,
        retailer,
        item_number,
        product
    from {{ ref('int_prices__product_months_ranged') }}
    where {{ in_days('month', stale_days(), back_days + 30, ahead_days) }}
    group by data_origin, retailer, item_number, product
    having max(highest_price_gbp) > 0.99 * {{ factor }} * min(lowest_price_gbp)

),

quotes_in_question as (

    select
        quotes.*,
        items.item_number is null as is_of_unknown_item
    from quotes
    left join products_of_wide_range as wide
        on
            quotes.data_origin = wide.data_origin
            and quotes.retailer = wide.retailer
            and quotes.item_number = wide.item_number
            and quotes.product = wide.product
    left join {{ ref('items') }} as items
        on quotes.item_number = items.item_number
    where
        wide.product is not null
        or items.item_number is null
        or quotes.decision = 'drop'
        or quotes.is_ambiguous
        or quotes.in_stock is false
        or quotes.item_number <> quotes.collected_item_number

),

-- With a number: half a million prices sorted by four texts and a day would take most of the time.
days_in_question as (

    select
        days.*,
        row_number() over () as day_number
    from (
        select distinct
            data_origin,
            retailer,
            item_number,
            product,
            collected_on
        from quotes_in_question
    ) as days

),

medians as (

    select
        days.day_number,
        percentile_cont(0.5) within group (order by reference.price_gbp) as median_price_gbp,
        count(*) as quotes,
        min(reference.price_gbp) as lowest_price_gbp,
        max(reference.price_gbp) as highest_price_gbp
    from days_in_question as days
    inner join reference_prices as reference
        on
            days.data_origin = reference.data_origin
            and days.retailer = reference.retailer
            and days.item_number = reference.item_number
            and days.product = reference.product
            and days.collected_on - {{ back_days }} <= reference.collected_on
            and days.collected_on + {{ ahead_days }} >= reference.collected_on
    group by days.day_number

),

prices as (

    select
        days.data_origin,
        days.retailer,
        days.item_number,
        days.product,
        days.collected_on,
        medians.median_price_gbp,
        medians.quotes,
        medians.lowest_price_gbp,
        medians.highest_price_gbp
    from days_in_question as days
    inner join medians on days.day_number = medians.day_number

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
    from quotes_in_question as remapped
    inner join quotes as others
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
            when quotes.is_of_unknown_item then 'unknown_item'
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
    from quotes_in_question as quotes
    left join prices
        on
            quotes.data_origin = prices.data_origin
            and quotes.retailer = prices.retailer
            and quotes.item_number = prices.item_number
            and quotes.product = prices.product
            and quotes.collected_on = prices.collected_on
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
