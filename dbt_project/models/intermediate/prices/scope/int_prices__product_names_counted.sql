{{ config(pre_hook="{{ group_by_hash() }}") }}

with listings as (

    select * from {{ ref('int_prices__listings_counted') }}

),

{% for column in ['price_gbp', 'pack_size'] %}
-- The median as percentile_cont(0.5) has it, of values that are counted.
{{ column }}_counts as (

    select
        data_origin,
        item_number,
        retailer,
        product_name,
        {{ column }},
        sum(sum(quotes)) over (
            partition by data_origin, item_number, retailer, product_name order by {{ column }}
        ) as quotes_up_to,
        sum(sum(quotes)) over (partition by data_origin, item_number, retailer, product_name) as quotes_of_all
    from listings
    where {{ column }} is not null
    group by data_origin, item_number, retailer, product_name, {{ column }}

),

{{ column }}_medians as (

    select
        data_origin,
        item_number,
        retailer,
        product_name,
        min({{ column }}) filter (where quotes_up_to > floor((quotes_of_all - 1) / 2)) as lower,
        min({{ column }}) filter (where quotes_up_to > ceil((quotes_of_all - 1) / 2)) as upper
    from {{ column }}_counts
    group by data_origin, item_number, retailer, product_name

),

{% endfor %}
units as (

    select distinct on (data_origin, item_number, retailer, product_name)
        data_origin,
        item_number,
        retailer,
        product_name,
        unit
    from listings
    where unit is not null
    group by data_origin, item_number, retailer, product_name, unit
    order by data_origin, item_number, retailer, product_name, sum(quotes) desc, unit

),

names as (

    select
        data_origin,
        item_number,
        retailer,
        product_name,
        sum(quotes)::integer as quotes
    from listings
    group by data_origin, item_number, retailer, product_name

),

final as (

    select
        names.data_origin,
        names.item_number,
        names.retailer,
        names.product_name,
        names.quotes,
        prices.lower + 0.5 * (prices.upper - prices.lower) as median_price_gbp,
        sizes.lower + 0.5 * (sizes.upper - sizes.lower) as pack_size,
        units.unit
    from names
    {% for relation, name in [('price_gbp_medians', 'prices'), ('pack_size_medians', 'sizes'), ('units', 'units')] %}
    left join {{ relation }}{{ ' as ' ~ name if name != relation }}
        on
            names.data_origin = {{ name }}.data_origin
            and names.item_number = {{ name }}.item_number
            and names.retailer = {{ name }}.retailer
            and names.product_name = {{ name }}.product_name
    {% endfor %}

)

select * from final
