-- Findings on prices by retailer, item, day and kind; shrinking packs by product.
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}
{# A price this many times the product's median, give or take a factor of two, is in pence. #}
{% set pence = 100 %}
{% set least_products = 3 %}
{% set least_share = 0.2 %}

with excluded as (

    select
        data_origin,
        collected_on,
        retailer,
        collected_item_number as item_number,
        case
            when
                reason = 'price_error'
                and (
                    price_gbp / median_price_gbp between {{ pence / 2 }} and {{ pence * 2 }}
                    or median_price_gbp / price_gbp between {{ pence / 2 }} and {{ pence * 2 }}
                )
                then 'price_in_pence'
            when reason in ('price_error', 'unknown_item') then reason
            else 'quotes_excluded'
        end as kind,
        reason,
        count(*)::integer as quotes,
        percentile_cont(0.5) within group (order by price_gbp / median_price_gbp) as ratio,
        (array_agg(product order by product))[1] as example
    from {{ ref('int_prices__quotes_excluded') }}
    where reason <> 'dropped_by_analyst'
    group by data_origin, collected_on, retailer, collected_item_number, 5, reason

),

wrong_units as (

    select
        odd_units.data_origin,
        odd_units.collected_on,
        odd_units.retailer,
        odd_units.item_number,
        odd_units.products as quotes,
        odd_units.ratio,
        odd_units.example,
        counts.products
    from {{ ref('int_prices__odd_units_counted') }} as odd_units
    inner join {{ ref('int_prices__quote_counts_judged') }} as counts
        on
            odd_units.data_origin = counts.data_origin
            and odd_units.retailer = counts.retailer
            and odd_units.item_number = counts.item_number
            and odd_units.collected_on = counts.collected_on

),

flagged as (

    select * from {{ source('analysis', 'quote_outliers') }}
    union all
    select * from {{ source('analysis', 'shrinking_packs') }}

),

outliers as (

    select
        *,
        row_number() over (
            partition by data_origin, collected_on, retailer, item_number, product
            order by array_position(array['shrinking_pack', 'fixed', 'hb', 'tukey'], rule)
        ) as place
    from flagged

),

renames as (

    select
        *,
        renamed_on as collected_on
    from {{ source('analysis', 'product_renames') }}

),

final as (

    select
        {{ finding("kind",
            "quotes || case when quotes = 1 then ' quote' else ' quotes' end || ' kept out: '
                || case when reason <> 'price_error' then replace(reason, '_', ' ') else 'price ' || "
                ~ plain_number('case when ratio > 1 then ratio else 1 / ratio end')
                ~ " || ' times too ' || case when ratio > 1 then 'high' else 'low' end end || ', e.g. ' || example",
            item_number='item_number', observed='quotes', expected='0',
            suggested_value="case kind when 'price_in_pence' then 'factor ' || case when ratio > 1 then '0.01' else '100' end end") }}
    from excluded
    union all
    select
        {{ finding("'wrong_unit'",
            "quotes || ' of ' || products || ' products have a unit price that makes their packs ' || "
                ~ plain_number('case when ratio > 1 then ratio else 1 / ratio end')
                ~ " || ' times as ' || case when ratio > 1 then 'large' else 'small' end || ' as on most days, e.g. ' || example",
            is_minor="quotes < " ~ least_products ~ " or quotes < " ~ least_share ~ " * products",
            item_number='item_number', observed='ratio', expected='1') }}
    from wrong_units
    union all
    select
        {{ finding("case rule when 'shrinking_pack' then rule when 'fixed' then 'price_relative' else 'price_change' end",
            "product || ': ' || evidence",
            item_number='item_number', product='product', observed='observed',
            expected='case when observed < lower then lower else upper end') }}
    from outliers
    where place = 1
    union all
    select
        {{ finding("'product_renamed'", "evidence", item_number='item_number', product='product', observed='similarity',
            suggested_value='old_product') }}
    from renames

)

select * from final
