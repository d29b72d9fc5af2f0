-- Findings on runs whose items lack products together: one row per retailer and day. The item is null.
with items as (

    select * from {{ source('analysis', 'short_run_items') }}

),

runs as (

    select
        data_origin,
        collected_on,
        retailer,
        max(items) as items,
        max(items_short) as items_short,
        sum(absent_products) as absent_products,
        max(lost_on) filter (where state = 'level_shift') as shifted_on,
        min(lost_on) filter (where state = 'open') as open_since,
        string_agg(
            item_number || ': ' || absent_products || ' of ' || absent_products + listed_products || ', ' || places,
            ' · '
            order by absent_share desc, item_number
        ) as evidence_by_item
    from items
    group by data_origin, collected_on, retailer

),

final as (

    select
        {{ finding("'run_short'",
            "items_short || ' of ' || items || ' items lack products that were listed before and '
                || case
                    when shifted_on is not null then 'stay away: level shift since ' || shifted_on
                    when open_since is not null then 'are away since ' || open_since
                    else 'come back'
                end || ', ' || absent_products || ' in all; item: products, and the places on the shelf where they were: '
                || evidence_by_item",
            observed='items_short', expected='0') }}
    from runs

)

select * from final
