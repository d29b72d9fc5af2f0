with counts as (

    select * from {{ ref('price_quote_counts') }}

),

excluded as (

    select
        data_origin,
        retailer,
        item_number,
        count(*) as quotes_excluded
    from {{ ref('int_prices__quotes_excluded') }}
    group by data_origin, retailer, item_number

),

items as (

    select
        data_origin,
        retailer,
        item_number,
        count(*) as days,
        count(*) filter (where status in ('accepted', 'unjudged')) as days_accepted,
        sum(coalesce(expected_products, products)) as expected_quotes,
        coalesce(sum(products) filter (where status in ('accepted', 'unjudged')), 0) as quotes,
        sum(coalesce(expected_products, products)) filter (where status in ('outage', 'gap')) as lost_days,
        sum(coalesce(expected_products, products)) filter (where status = 'missing') as lost_missing,
        sum(coalesce(expected_products, products)) filter (where status in ('too_few', 'too_many')) as lost_rejected
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
        items.quotes::bigint - coalesce(excluded.quotes_excluded, 0) as quotes_accepted,
        items.days_accepted::double precision / items.days as share_of_days,
        (coalesce(items.lost_days, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_outages_and_gaps,
        (coalesce(items.lost_missing, 0) / nullif(items.expected_quotes, 0))::double precision as share_lost_to_missing,
        (coalesce(items.lost_rejected, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_rejected_counts,
        (coalesce(excluded.quotes_excluded, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_excluded_quotes
    from items
    left join excluded
        on
            items.data_origin = excluded.data_origin
            and items.retailer = excluded.retailer
            and items.item_number = excluded.item_number
    left join {{ ref('items') }} as names
        on items.item_number = names.item_number

)

select * from final
