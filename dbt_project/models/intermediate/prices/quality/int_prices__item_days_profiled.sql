{{
    config(
        materialized='by_day',
        pre_hook="{{ group_by_hash() }}",
        indexes=[
            {'columns': ['data_origin', 'retailer', 'item_number', 'collected_on'], 'unique': true},
            {'columns': ['collected_on']},
        ],
    )
}}

{# A day is compared with the last one that enters, up to so many days before. #}
{% set back_days = 28 %}

-- After the figures, which do not depend on it, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}

with counts as (

    select * from {{ ref('int_prices__quote_counts_judged') }}
    where products > 0 and {{ in_view('collected_on', 'int_prices__quote_counts_judged', back_days, 0) }}

),

coverage as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        avg((unit_price is not null)::integer)::double precision as unit_price_share,
        avg((promotion is not null)::integer)::double precision as promotion_share,
        avg((product_id is not null)::integer)::double precision as product_id_share
    from {{ ref('stg_prices__quotes') }}
    where {{ in_stale_days('collected_on') }}
    group by data_origin, retailer, item_number, collected_on

),

-- A product that every run lists once is listed as often as there were runs with rows.
listings as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.item_number,
        quotes.collected_on,
        avg((quotes.listings > days.runs - days.outages)::integer)::double precision as repeated_share,
        avg(quotes.is_ambiguous::integer)::double precision as ambiguous_share,
        avg((quotes.in_stock is false)::integer)::double precision as out_of_stock_share
    from {{ ref('int_prices__quotes_identified') }} as quotes
    inner join {{ ref('int_prices__collection_days_classified') }} as days
        on
            quotes.data_origin = days.data_origin
            and quotes.retailer = days.retailer
            and quotes.collected_on = days.collected_on
    where {{ in_stale_days('quotes.collected_on') }}
    group by quotes.data_origin, quotes.retailer, quotes.item_number, quotes.collected_on

),

-- Days are compared with the last day that enters; rejected days do not count.
entering_days as (

    select
        entering.data_origin,
        entering.retailer,
        entering.item_number,
        entering.collected_on,
        case when entering.is_near then entering.last_on end as previous_on,
        case when entering.is_near then entering.last_products end as previous_products
    from (
        select
            *,
            lag(collected_on) over item_days as last_on,
            lag(products) over item_days as last_products,
            lag(collected_on) over item_days >= collected_on - {{ back_days }} as is_near
        from counts
        where enters
        window item_days as (partition by data_origin, retailer, item_number order by collected_on)
    ) as entering

),

-- Days of which the products are compared: those that are built, and the last ones that enter before them.
compared_days as (

    select collected_on
    from entering_days
    where {{ in_stale_days('collected_on') }}
    union
    select previous_on
    from entering_days
    where previous_on is not null and {{ in_stale_days('collected_on') }}

),

-- In how many of the day's runs each product was listed. A day of three runs lists more products than each of them:
-- the products of a run are those of the day, each with the share of the item's runs that list it.
listed as (

    select
        quotes.data_origin,
        quotes.retailer,
        quotes.collected_item_number as item_number,
        quotes.product,
        quotes.collected_on,
        quotes.price_gbp,
        least(identified.listings, days.runs - days.outages) as runs,
        max(least(identified.listings, days.runs - days.outages)) over item_days as item_runs
    from {{ ref('int_prices__quotes_entering') }} as quotes
    inner join {{ ref('int_prices__quotes_identified') }} as identified
        on
            quotes.data_origin = identified.data_origin
            and quotes.retailer = identified.retailer
            and quotes.collected_item_number = identified.item_number
            and quotes.product = identified.product
            and quotes.collected_on = identified.collected_on
    inner join {{ ref('int_prices__collection_days_classified') }} as days
        on
            quotes.data_origin = days.data_origin
            and quotes.retailer = days.retailer
            and quotes.collected_on = days.collected_on
    where
        {{ in_view('quotes.collected_on', 'int_prices__quotes_entering', back_days, 0) }}
        and {{ in_view('identified.collected_on', 'int_prices__quotes_identified', back_days, 0) }}
        -- arrays of a few days, for the indexes: two days are read and not those of the view
        and quotes.collected_on = any(array(select compared_days.collected_on from compared_days))
        and identified.collected_on = any(array(select compared_days.collected_on from compared_days))
    window item_days as (
        partition by quotes.data_origin, quotes.retailer, quotes.collected_item_number, quotes.collected_on
    )

),

-- A product under a new name is neither new nor lost.
listings_of_runs as (

    select
        listed.*,
        new_names.product is not null as has_new_name,
        old_names.old_product is not null as is_renamed_next
    from listed
    left join {{ source('analysis', 'product_renames') }} as new_names
        on
            listed.data_origin = new_names.data_origin
            and listed.retailer = new_names.retailer
            and listed.item_number = new_names.item_number
            and listed.product = new_names.product
            and listed.collected_on = new_names.renamed_on
    left join {{ source('analysis', 'product_renames') }} as old_names
        on
            listed.data_origin = old_names.data_origin
            and listed.retailer = old_names.retailer
            and listed.item_number = old_names.item_number
            and listed.product = old_names.old_product
            and listed.collected_on = old_names.old_last_on

),

products_of_runs as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        -- whole numbers are summed: the sum of shares would depend on the order of the rows
        sum(runs)::double precision / max(item_runs) as run_products,
        coalesce(sum(runs) filter (where is_renamed_next), 0)::double precision / max(item_runs) as renamed_run_products
    from listings_of_runs
    group by data_origin, retailer, item_number, collected_on

),

movements as (

    select
        today.data_origin,
        today.retailer,
        today.item_number,
        today.collected_on,
        count(before.product)::integer as matched_products,
        coalesce(sum(before.runs)::double precision / max(before.item_runs), 0) as matched_run_products,
        coalesce(sum(today.runs) filter (
            where first_days.product is not null and not today.has_new_name
        ), 0)::double precision / max(today.item_runs) as new_run_products,
        count(*) filter (where today.price_gbp <> before.price_gbp)::integer as price_changes
    from listings_of_runs as today
    inner join entering_days
        on
            today.data_origin = entering_days.data_origin
            and today.retailer = entering_days.retailer
            and today.item_number = entering_days.item_number
            and today.collected_on = entering_days.collected_on
    left join {{ ref('int_prices__products_entered') }} as first_days
        on
            today.data_origin = first_days.data_origin
            and today.retailer = first_days.retailer
            and today.item_number = first_days.item_number
            and today.product = first_days.product
            and today.collected_on = first_days.first_on
    left join listings_of_runs as before
        on
            today.data_origin = before.data_origin
            and today.retailer = before.retailer
            and today.item_number = before.item_number
            and today.product = before.product
            and entering_days.previous_on = before.collected_on
    where entering_days.previous_on is not null and {{ in_stale_days('today.collected_on') }}
    group by today.data_origin, today.retailer, today.item_number, today.collected_on

),

final as (

    select
        counts.data_origin,
        counts.retailer,
        counts.item_number,
        counts.collected_on,
        counts.enters,
        counts.products,
        coverage.unit_price_share,
        coverage.promotion_share,
        coverage.product_id_share,
        listings.repeated_share,
        listings.ambiguous_share,
        listings.out_of_stock_share,
        entering_days.previous_on,
        movements.matched_products,
        round(movements.new_run_products::numeric)::integer as new_products,
        round(
            (before.run_products - movements.matched_run_products - before.renamed_run_products)::numeric
        )::integer as lost_products,
        movements.price_changes,
        movements.new_run_products / today.run_products as new_share,
        (before.run_products - movements.matched_run_products - before.renamed_run_products)
            / before.run_products as lost_share,
        movements.price_changes = 0
        and movements.matched_products = counts.products
        and movements.matched_products = entering_days.previous_products as is_unchanged
    from counts
    inner join coverage
        on
            counts.data_origin = coverage.data_origin
            and counts.retailer = coverage.retailer
            and counts.item_number = coverage.item_number
            and counts.collected_on = coverage.collected_on
    inner join listings
        on
            counts.data_origin = listings.data_origin
            and counts.retailer = listings.retailer
            and counts.item_number = listings.item_number
            and counts.collected_on = listings.collected_on
    left join entering_days
        on
            counts.data_origin = entering_days.data_origin
            and counts.retailer = entering_days.retailer
            and counts.item_number = entering_days.item_number
            and counts.collected_on = entering_days.collected_on
    left join movements
        on
            counts.data_origin = movements.data_origin
            and counts.retailer = movements.retailer
            and counts.item_number = movements.item_number
            and counts.collected_on = movements.collected_on
    left join products_of_runs as today
        on
            movements.data_origin = today.data_origin
            and movements.retailer = today.retailer
            and movements.item_number = today.item_number
            and movements.collected_on = today.collected_on
    left join products_of_runs as before
        on
            movements.data_origin = before.data_origin
            and movements.retailer = before.retailer
            and movements.item_number = before.item_number
            and entering_days.previous_on = before.collected_on
    where {{ in_stale_days('counts.collected_on') }}

)

select * from final
