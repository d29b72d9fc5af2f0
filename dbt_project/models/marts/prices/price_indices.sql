with indices as (

    select * from {{ source('analysis', 'aggregate_price_indices') }}

),

names as (

    select
        'item' as level,
        item_number::text as code,
        item_name as name
    from {{ ref('items') }}
    union all
    select
        level,
        code,
        name
    from {{ ref('coicop') }}

),

-- The classes and the division to which the quotes of each item belong, and the item itself.
item_levels as (

    select
        items.item_number,
        levels.level,
        levels.code
    from {{ ref('items') }} as items
    cross join lateral (
        values
        ('item', items.item_number::text),
        ('class', items.class_code),
        ('division', items.division_code)
    ) as levels (level, code)

),

retailers as (

    select
        elementary.data_origin,
        item_levels.level,
        item_levels.code,
        elementary.method,
        elementary.period,
        count(distinct elementary.retailer)::integer as retailers
    from {{ source('analysis', 'elementary_price_indices') }} as elementary
    inner join item_levels
        on elementary.item_number = item_levels.item_number
    where elementary.level is not null
    group by
        elementary.data_origin, item_levels.level, item_levels.code, elementary.method, elementary.period

),

final as (

    select
        indices.level,
        indices.code,
        names.name,
        indices.period,
        indices.method,
        indices.recipe,
        indices.index,
        indices.products,
        indices.status,
        indices.reason,
        coalesce(retailers.retailers, 0) as retailers,
        indices.children,
        indices.children_absent,
        indices.imputed_share,
        indices.base_period,
        indices.parameters_hash,
        indices.data_origin,
        null::double precision as standard_error,
        'not estimated: no bootstrap over products yet' as standard_error_reason
    from indices
    left join names
        on
            indices.level = names.level
            and indices.code = names.code
    left join retailers
        on
            indices.data_origin = retailers.data_origin
            and indices.level = retailers.level
            and indices.code = retailers.code
            and indices.method = retailers.method
            and indices.period = retailers.period

)

select * from final
