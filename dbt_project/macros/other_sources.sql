{# First and last day of the quotes of the other source at each retailer: data_origin, retailer, first_day, last_day. #}
{% macro other_source_spans() -%}
    select
        data_origin,
        retailer,
        min(collected_on) as first_day,
        max(collected_on) as last_day
    from {{ ref('stg_prices__other_quotes') }}
    group by data_origin, retailer
{%- endmacro %}
