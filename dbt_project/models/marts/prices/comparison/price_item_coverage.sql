with counts as (

    select * from {{ ref('int_prices__quote_counts_judged') }}

),

-- By the item under which they were collected: re-mapped quotes belong to the item of their collection.
{% for kind, quotes in [
    ('entering', ref('int_prices__quotes_entering')), ('excluded', ref('int_prices__quotes_excluded'))
] %}
{{ kind }} as (

    select
        data_origin,
        retailer,
        collected_item_number as item_number,
        count(*) as quotes
    from {{ quotes }}
    group by data_origin, retailer, collected_item_number

),

{% endfor %}
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
        coalesce(entering.quotes, 0) - coalesce(excluded.quotes, 0) as quotes_accepted,
        items.days_accepted::double precision / items.days as share_of_days,
        (coalesce(items.lost_days, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_outages_and_gaps,
        (coalesce(items.lost_missing, 0) / nullif(items.expected_quotes, 0))::double precision as share_lost_to_missing,
        (coalesce(items.lost_rejected, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_rejected_counts,
        (coalesce(excluded.quotes, 0) / nullif(items.expected_quotes, 0))::double precision
            as share_lost_to_excluded_quotes
    from items
    left join entering
        on
            items.data_origin = entering.data_origin
            and items.retailer = entering.retailer
            and items.item_number = entering.item_number
    left join excluded
        on
            items.data_origin = excluded.data_origin
            and items.retailer = excluded.retailer
            and items.item_number = excluded.item_number
    left join {{ ref('items') }} as names
        on items.item_number = names.item_number

)

select * from final
