with items as (

    select
        data_origin,
        item_number,
        count(*) as quotes,
        count(*) filter (where in_scope) as quotes_in,
        count(*) filter (where in_scope is null) as quotes_undecided
    from {{ ref('int_prices__quotes_scoped') }}
    group by data_origin, item_number

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
