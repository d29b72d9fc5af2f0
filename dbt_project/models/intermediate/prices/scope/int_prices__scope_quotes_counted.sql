with items as (

    select
        months.data_origin,
        months.item_number,
        sum(months.quotes) as quotes,
        coalesce(sum(months.quotes) filter (where scoped.in_scope), 0) as quotes_in,
        coalesce(sum(months.quotes) filter (where scoped.in_scope is null), 0) as quotes_undecided
    from {{ ref('int_prices__product_months_accepted') }} as months
    left join {{ ref('int_prices__products_scoped') }} as scoped
        on
            months.data_origin = scoped.data_origin
            and months.retailer = scoped.retailer
            and months.item_number = scoped.item_number
            and months.product = scoped.product
    group by months.data_origin, months.item_number

),

final as (

    select
        items.data_origin,
        levels.level,
        levels.code,
        sum(items.quotes)::bigint as quotes,
        sum(items.quotes_in)::bigint as quotes_in,
        sum(items.quotes_undecided)::bigint as quotes_undecided
    from items
    inner join {{ ref('items') }} as item_names
        on items.item_number = item_names.item_number
    cross join lateral (
        values
        ('item', items.item_number::text),
        ('class', item_names.class_code),
        ('division', item_names.division_code)
    ) as levels (level, code)
    group by items.data_origin, levels.level, levels.code

)

select * from final
