{# Names of the levels that figures are of: one row per item, class or division, with its code as text. #}
{% macro level_names() -%}
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
{%- endmacro %}
