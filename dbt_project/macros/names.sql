{# Names of items, classes and divisions: one row each, with level and code as text. #}
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
