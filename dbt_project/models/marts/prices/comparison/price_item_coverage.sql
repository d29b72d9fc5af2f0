with counts as (

    select * from {{ ref('int_prices__quote_counts_judged') }}

),

-- By the item under which they were collected: re-mapped quotes belong to the item of their collection.
accepted as (

    select
        data_origin,
        retailer,
        collected_item_number as item_number,
        sum(quotes) as quotes
    from {{ ref('int_prices__product_months_accepted') }}
    group by data_origin, retailer, collected_item_number

),

excluded as (

    select
        data_origin,
        retailer,
        collected_item_number as item_number,
        count(*) as quotes
    from {{ ref('int_prices__quotes_excluded') }}
    group by data_origin, retailer, collected_item_number

),

items as (

    select
        data_origin,
        retailer,
        item_number,
        count(*) as days,
        count(*) filter (where enters) as days_accepted,
        sum(coalesce(expected_products, products)) as expected_quotes,
        sum(coalesce(expected_products, products)) filter (where status in ('outage', 'gap')) as lost_days,
        sum(coalesce(expected_products, products)) filter (where status = 'missing') as lost_missing,
        sum(coalesce(expected_products, products)) filter (where status in ('too_few', 'too_many', 'frozen') and not enters)
            as lost_rejected
    from counts
    group by data_origin, retailer, item_number

),

final as (

    select
        items.data_origin,
        items.retailer,
        items.item_number,
        names.item_name,
        items.days::integer as days,
        items.days_accepted::integer as days_accepted,
        items.expected_quotes::double precision as expected_quotes,
        coalesce(accepted.quotes, 0)::bigint as quotes_accepted,
        items.days_accepted::double precision / items.days as share_of_days,
        (coalesce(items.lost_days, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_outages_and_gaps,
        (coalesce(items.lost_missing, 0) / nullif(items.expected_quotes, 0))::double precision as share_lost_to_missing,
        (coalesce(items.lost_rejected, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_rejected_counts,
        (coalesce(excluded.quotes, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_excluded_quotes
    from items
    left join accepted
        on
            items.data_origin = accepted.data_origin
            and items.retailer = accepted.retailer
            and items.item_number = accepted.item_number
    left join excluded
        on
            items.data_origin = excluded.data_origin
            and items.retailer = excluded.retailer
            and items.item_number = excluded.item_number
    left join {{ ref('items') }} as names
        on items.item_number = names.item_number

)

select * from final
