{#
    No column is null in every row: a renamed field of a source or a broken join shows here. An empty table
    passes. `allowed` names the columns that may be.
#}
{% test no_all_null_columns(model, allowed=[]) %}

{% set columns = adapter.get_columns_in_relation(model) if execute else [] %}
with filled as (

    select
        {% for column in columns if column.name not in allowed %}
            count({{ adapter.quote(column.name) }}) as {{ adapter.quote(column.name) }},
        {% endfor %}
        count(*) as rows_in_table
    from {{ model }}

)

select columns.name
from filled
cross join lateral (
    values
    {% for column in columns if column.name not in allowed %}
        ('{{ column.name }}', {{ adapter.quote(column.name) }}),
    {% endfor %}
    ('rows_in_table', rows_in_table)
) as columns (name, filled_rows)
where columns.filled_rows = 0 and filled.rows_in_table > 0

{% endtest %}
