{# Every combination of the columns exists in another table; null on either side never matches. #}
{% test combination_exists(model, columns, to, to_columns) %}

{% if columns | length != to_columns | length %}
    {{ exceptions.raise_compiler_error(
        "combination_exists: found " ~ columns | length ~ " columns and " ~ to_columns | length ~ " to_columns, "
        ~ "expected as many"
    ) }}
{% endif %}

with children as (

    select distinct {{ columns | join(', ') }}
    from {{ model }}

)

select children.*
from children
where
    not exists (
        select 1 from {{ to }} as parents
        where
        {% for column in columns %}
            children.{{ column }} = parents.{{ to_columns[loop.index0] }} {{ 'and' if not loop.last }}
        {% endfor %}
    )

{% endtest %}
