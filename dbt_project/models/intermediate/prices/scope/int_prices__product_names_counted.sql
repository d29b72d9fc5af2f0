{{ config(pre_hook="{{ group_by_hash() }}") }}

{# Days after the first listing of a name in which its price is decided; its pack size and unit, after the first one. #}
{% set settled_after_days = 56 %}

with months as (

    select
        data_origin,
        min(month) as first_month,
        max(month) as last_month
    from {{ ref('int_prices__listings_counted') }}
    group by data_origin

),

-- Each name has a number, by which its listings are grouped: to sort them by the name itself takes longer.
names as (

    select
        row_number() over () as name_number,
        counted.data_origin,
        item_number,
        retailer,
        product_name,
        sum(quotes)::integer as quotes,
        coalesce(
            sum(quotes) filter (where counted.month < months.last_month or months.first_month = months.last_month), 0
        )::integer as quotes_of_past_months,
        min(first_listed_on) filter (where price_gbp is not null) as price_gbp_from,
        min(first_listed_on) filter (where pack_size is not null) as pack_size_from,
        min(first_listed_on) filter (where unit is not null) as unit_from
    from {{ ref('int_prices__listings_counted') }} as counted
    inner join months on counted.data_origin = months.data_origin
    group by counted.data_origin, item_number, retailer, product_name

),

-- Listings of the months that begin in the first weeks of a name. What later ones changed would change the product's
-- judgement, and with it every figure since.
listings as (

    select
        names.name_number,
        counted.price_gbp,
        counted.pack_size,
        counted.unit,
        counted.quotes,
        {%- for column in ['price_gbp', 'pack_size', 'unit'] %}
        names.{{ column }}_from + {{ settled_after_days }} >= counted.month as decides_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_prices__listings_counted') }} as counted
    inner join names
        on
            counted.data_origin = names.data_origin
            and counted.item_number = names.item_number
            and counted.retailer = names.retailer
            and counted.product_name = names.product_name
    where counted.month <= greatest(names.price_gbp_from, names.pack_size_from, names.unit_from) + {{ settled_after_days }}

),

{% for column in ['price_gbp', 'pack_size'] %}
-- The median as percentile_cont(0.5) has it, of values that are counted.
{{ column }}_counts as (

    select
        name_number,
        {{ column }},
        sum(sum(quotes)) over (partition by name_number order by {{ column }}) as quotes_up_to,
        sum(sum(quotes)) over (partition by name_number) as quotes_of_all
    from listings
    where {{ column }} is not null and decides_{{ column }}
    group by name_number, {{ column }}

),

{{ column }}_medians as (

    select
        name_number,
        min({{ column }}) filter (where quotes_up_to > floor((quotes_of_all - 1) / 2)) as lower,
        min({{ column }}) filter (where quotes_up_to > ceil((quotes_of_all - 1) / 2)) as upper
    from {{ column }}_counts
    group by name_number

),

{% endfor %}
units as (

    select distinct on (name_number)
        name_number,
        unit
    from listings
    where unit is not null and decides_unit
    group by name_number, unit
    order by name_number, sum(quotes) desc, unit

),

final as (

    select
        names.data_origin,
        names.item_number,
        names.retailer,
        names.product_name,
        names.quotes,
        names.quotes_of_past_months,
        prices.lower + 0.5 * (prices.upper - prices.lower) as median_price_gbp,
        sizes.lower + 0.5 * (sizes.upper - sizes.lower) as pack_size,
        units.unit
    from names
    {% for relation, name in [('price_gbp_medians', 'prices'), ('pack_size_medians', 'sizes'), ('units', 'units')] %}
    left join {{ relation }}{{ ' as ' ~ name if name != relation }}
        on names.name_number = {{ name }}.name_number
    {% endfor %}

)

select * from final
