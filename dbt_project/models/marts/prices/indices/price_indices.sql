{{ config(pre_hook="{{ join_by_hash() }}") }}

with daily as (

    select * from {{ source('analysis', 'aggregate_price_indices') }}

),

by_recipe as (

    select * from {{ source('analysis', 'recipe_price_indices') }}

),

diagnostics as (

    select * from {{ source('analysis', 'price_index_diagnostics') }}

),

names as (

    {{ level_names() }}

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

indices as (

    select
        daily.data_origin,
        daily.level,
        daily.code,
        daily.recipe,
        daily.method,
        'shelf' as scope,
        'daily' as frequency,
        daily.period,
        daily.index,
        daily.products,
        daily.status,
        daily.reason,
        coalesce(retailers.retailers, 0) as retailers,
        daily.children,
        daily.children_absent,
        daily.imputed_share,
        daily.base_period,
        daily.parameters_hash
    from daily
    left join retailers
        on
            daily.data_origin = retailers.data_origin
            and daily.level = retailers.level
            and daily.code = retailers.code
            and daily.method = retailers.method
            and daily.period = retailers.period
    union all
    select
        data_origin,
        level,
        code,
        recipe,
        method,
        scope,
        frequency,
        period,
        index,
        products,
        status,
        reason,
        retailers,
        children,
        children_absent,
        imputed_share,
        base_period,
        parameters_hash
    from by_recipe

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
        indices.retailers,
        indices.children,
        indices.children_absent,
        indices.imputed_share,
        indices.base_period,
        indices.parameters_hash,
        indices.data_origin,
        diagnostics.standard_error,
        case
            when diagnostics.standard_error is null
                then coalesce(diagnostics.standard_error_reason, 'not estimated: the resamples are of an earlier run')
        end as standard_error_reason,
        indices.scope,
        indices.frequency,
        diagnostics.days_collected,
        diagnostics.days_in_period
    from indices
    left join names
        on
            indices.level = names.level
            and indices.code = names.code
    left join diagnostics
        on
            indices.data_origin = diagnostics.data_origin
            and indices.level = diagnostics.level
            and indices.code = diagnostics.code
            and indices.recipe = diagnostics.recipe
            and indices.method = diagnostics.method
            and indices.scope = diagnostics.scope
            and indices.period = diagnostics.period

)

select * from final
