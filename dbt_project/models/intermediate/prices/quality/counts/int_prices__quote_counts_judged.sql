{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

{#
    The numbers of the rule: history of 182 days before and 56 after, of the nearest 28 days, of which 3 must be there.
    The history of a day excludes its own count and counts outside the band around the anchor. Fifty-six days after a
    day its judgement is settled, as the figures are.
#}
{% set back_days = 182 %}
{% set ahead_days = 56 %}
{% set history_days = 28 %}
{% set least_history_days = 3 %}

with counts as (

    select * from {{ ref('int_prices__quote_counts') }}
    where {{ in_view('collected_on', 'int_prices__quote_counts', back_days, ahead_days) }}

),

days as (

    select * from {{ ref('int_prices__collection_days_classified') }}
    where {{ in_stale_days('collected_on') }}

),

-- Items that were listed at the retailer, those of its retailer file, which each run records with their shelves, and
-- those that an analyst expects of it, listed or not.
items as (

    select
        data_origin,
        retailer,
        item_number,
        min(first_listed_on) as first_listed_on,
        min(first_recorded_on) as first_recorded_on
    from (
        select
            data_origin,
            retailer,
            item_number,
            first_listed_on,
            first_recorded_on
        from {{ ref('int_prices__items_seen') }}
        union all
        select
            days.data_origin,
            seeds.retailer,
            seeds.item_number,
            null::date as first_listed_on,
            null::date as first_recorded_on
        from {{ ref('expected_price_quote_counts') }} as seeds
        inner join days
            on seeds.retailer = days.retailer
    ) as listed_or_expected
    group by data_origin, retailer, item_number

),

recorded as (

    select distinct
        data_origin,
        retailer,
        item_number,
        collected_on
    from {{ ref('stg_prices__scrape_categories') }}
    where
        item_number is not null
        and {{ in_view('collected_on', 'stg_prices__scrape_categories', 0, ahead_days) }}

),

calendar as (

    select
        days.data_origin,
        days.retailer,
        items.item_number,
        items.first_listed_on,
        days.collected_on,
        days.status as day_status,
        days.reason as day_reason,
        days.runs,
        coalesce(counts.products, 0) as products,
        coalesce(counts.listings, 0) as listings,
        seeds.expected_products as seed_products
    from days
    inner join items
        on
            days.data_origin = items.data_origin
            and days.retailer = items.retailer
    left join counts
        on
            items.data_origin = counts.data_origin
            and items.retailer = counts.retailer
            and items.item_number = counts.item_number
            and days.collected_on = counts.collected_on
    left join {{ ref('expected_price_quote_counts') }} as seeds
        on
            items.retailer = seeds.retailer
            and items.item_number = seeds.item_number
            and days.collected_on >= seeds.valid_from
            and days.collected_on <= coalesce(seeds.valid_to, 'infinity'::date)
    where
        days.collected_on >= items.first_listed_on
        or (
            days.collected_on >= items.first_recorded_on
            and exists (
                select
                from recorded
                where
                    recorded.data_origin = items.data_origin
                    and recorded.retailer = items.retailer
                    and recorded.item_number = items.item_number
                    and recorded.collected_on between days.collected_on and days.collected_on + {{ ahead_days }}
            )
        )
        or seeds.expected_products is not null

),

-- The counts of an item as arrays in order of days, of which each day takes slices: a join of each item with itself would
-- grow with the square of its days.
series as (

    select
        data_origin,
        retailer,
        item_number,
        array_agg(collected_on order by collected_on) as days_counted,
        array_agg(products order by collected_on) as products_counted
    from counts
    group by data_origin, retailer, item_number

),

-- Places in these arrays: of the days before that are seen, and of those after. `width_bucket` counts the days up to one.
placed as (

    select
        calendar.*,
        series.days_counted,
        series.products_counted,
        width_bucket(calendar.collected_on - {{ back_days + 1 }}, series.days_counted) + 1 as first_before,
        width_bucket(calendar.collected_on - 1, series.days_counted) as last_before,
        width_bucket(calendar.collected_on, series.days_counted) + 1 as first_after,
        width_bucket(calendar.collected_on + {{ ahead_days }}, series.days_counted) as last_after
    from calendar
    left join series
        on
            calendar.data_origin = series.data_origin
            and calendar.retailer = series.retailer
            and calendar.item_number = series.item_number

),

anchored as (

    select
        placed.*,
        {{ count_band('low', 'coalesce(placed.seed_products, medians.products)') }} as anchor_low,
        {{ count_band('high', 'coalesce(placed.seed_products, medians.products)') }} as anchor_high
    from placed
    cross join lateral (
        select percentile_cont(0.5) within group (order by seen.products) as products
        from unnest(placed.products_counted[placed.first_before:placed.last_after]) as seen (products)
        where placed.seed_products is null
    ) as medians

),

-- Two walks from the day, each to the 28th count in the band at most, instead of a sort of the whole series.
expected as (

    select
        anchored.*,
        case
            when history.days >= {{ least_history_days }} then history.products
            else anchored.seed_products
        end as expected_products
    from anchored
    cross join lateral (
        select
            count(*) as days,
            percentile_cont(0.5) within group (order by nearest.products) as products
        from (
            select anchored.products_counted[both_sides.place] as products
            from (
                {% for from_place, to_place, step in [('last_before', 'first_before', -1), ('first_after', 'last_after', 1)] %}
                (
                    select walk.place
                    from generate_series(anchored.{{ from_place }}, anchored.{{ to_place }}, {{ step }}) as walk (place)
                    where
                        anchored.products_counted[walk.place]
                        between anchored.anchor_low and anchored.anchor_high
                    limit {{ history_days }}
                )
                {{ 'union all' if not loop.last }}
                {% endfor %}
            ) as both_sides
            order by
                abs(anchored.days_counted[both_sides.place] - anchored.collected_on),
                both_sides.place
            limit {{ history_days }}
        ) as nearest
    ) as history

),

banded as (

    select
        *,
        {{ count_band('low', 'expected_products') }} as lowest,
        {{ count_band('high', 'expected_products') }} as highest
    from expected

),

judged as (

    select
        *,
        case
            when day_status in ('gap', 'outage') then day_status
            when products = 0 then 'missing'
            when day_status = 'frozen' then day_status
            when expected_products is null then 'unjudged'
            when products < lowest then 'too_few'
            when products > highest then 'too_many'
            else 'accepted'
        end as status
    from banded

),

-- Rejected days kept by an analyst: a decision on the item precedes a decision on all items; the latest counts.
decided as (

    select
        judged.*,
        case
            when judged.status in ('too_few', 'too_many', 'frozen') then (
                select decisions.decision_id
                from {{ ref('int_prices__decisions_judged') }} as decisions
                where
                    decisions.state = 'effective'
                    and decisions.is_of_whole_days
                    and decisions.retailer = judged.retailer
                    and coalesce(decisions.item_number, judged.item_number) = judged.item_number
                    and judged.collected_on >= decisions.valid_from
                    and (decisions.valid_to is null or judged.collected_on <= decisions.valid_to)
                order by decisions.specificity desc, decisions.decided_on desc, decisions.decision_id desc
                limit 1
            )
        end as decision_id
    from judged

),

-- Counts are whole numbers: the least and the largest that the band accepts are its bounds rounded inwards.
final as (

    select
        collected_on,
        retailer,
        item_number,
        products,
        expected_products,
        status,
        case status
            when 'outage' then 'no row in any file of the day'
            when 'gap' then day_reason
            when 'frozen' then day_reason
            when 'missing' then
                'no product where '
                || coalesce(
                    {{ plain_number('expected_products') }} || ' are expected',
                    case when first_listed_on < collected_on then 'some were listed before' end,
                    'the retailer file expects some'
                )
            when 'unjudged' then
                products || ' products; fewer than {{ least_history_days }} comparable days and no count set by an analyst'
            when 'too_few' then
                products || ' products where ' || {{ plain_number('expected_products') }} || ' are expected (at least '
                || ceil(lowest)::integer || ')'
            when 'too_many' then
                products || ' products where ' || {{ plain_number('expected_products') }} || ' are expected (at most '
                || floor(highest)::integer || ')'
        end as reason,
        runs,
        listings,
        data_origin,
        decision_id,
        status in ('accepted', 'unjudged') or decision_id is not null as enters
    from decided

)

select * from final
