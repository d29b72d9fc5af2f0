{#
    No column is null in every row: a renamed field of a source or a broken join shows here. An empty table
    passes. `allowed` names the columns that may be. `of_window` names a column of days: only the days that the run
    rebuilds are read.
#}
{% test no_all_null_columns(model, allowed=[], of_window=none) %}

{% set columns = adapter.get_columns_in_relation(model) if execute else [] %}
with filled as (

    select
        {% for column in columns if column.name not in allowed %}
            count({{ adapter.quote(column.name) }}) as {{ adapter.quote(column.name) }},
        {% endfor %}
        count(*) as rows_in_table
    from {{ model }}
    {% if of_window %} where {{ in_window(of_window) }} {% endif %}

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
