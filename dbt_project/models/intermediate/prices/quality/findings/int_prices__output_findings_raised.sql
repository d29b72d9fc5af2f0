-- Findings on our own output: quotes came in, and the daily index has no value or has not moved. One per retailer and day.
{# An index that moves by less than this, in logarithms, has not moved. #}
{% set rounding = 1e-12 %}

with quotes as (

    select * from {{ ref('int_prices__price_changes_counted') }}

),

indices as (

    select
        data_origin,
        retailer,
        period as collected_on,
        segment_index is not null as has_index,
        abs(ln(segment_index) - lag(ln(segment_index)) over item_days) < {{ rounding }}
        and segment = lag(segment) over item_days as is_still
    from {{ source('analysis', 'elementary_price_indices') }}
    where method = 'jevons_chained' and scope = 'shelf'
    window item_days as (partition by data_origin, retailer, item_number, recipe order by period)

),

outputs as (

    select
        data_origin,
        retailer,
        collected_on,
        count(*) filter (where has_index) as items,
        bool_and(coalesce(is_still, false)) filter (where has_index) as is_still
    from indices
    group by data_origin, retailer, collected_on

),

joined as (

    select
        quotes.*,
        coalesce(outputs.items, 0) as items,
        outputs.is_still
    from quotes
    left join outputs
        on
            quotes.data_origin = outputs.data_origin
            and quotes.retailer = outputs.retailer
            and quotes.collected_on = outputs.collected_on

),

final as (

    select
        {{ finding("'output_empty'", "quotes || ' quotes entered, and no item has an index'", observed='0') }}
    from joined
    where items = 0
    union all
    select
        {{ finding("'output_unchanged'",
            "quotes || ' quotes entered, and no index of ' || items || ' items moved; '
                || case when price_changes = 0 then 'no price changed' else price_changes || ' prices changed' end",
            is_minor='price_changes = 0', observed='items') }}
    from joined
    where is_still

)

select * from final
