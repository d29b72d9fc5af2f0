{# Two tables give the same sum for every group; a group without rows has the sum 0.
   `of_window` names a column of days: only the days that the run rebuilds are compared; `of_unchecked_days`, of a
   model built by day: only the days that no test has passed yet. #}
{% test sums_agree(model, total, to, to_total, group_by, of_window=none, of_unchecked_days=none) %}

{% set days = in_window(of_window) if of_window
    else in_unchecked_days(of_unchecked_days, model) if of_unchecked_days else none %}

{% set keys = group_by | join(', ') %}
with here as (

    select {{ keys }}, sum({{ total }}) as total
    from {{ model }}
    {% if days %} where {{ days }} {% endif %}
    group by {{ keys }}

),

there as (

    select {{ keys }}, sum({{ to_total }}) as total
    from {{ to }}
    {% if days %} where {{ days }} {% endif %}
    group by {{ keys }}

)

select
    {{ keys }},
    coalesce(here.total, 0) as found,
    coalesce(there.total, 0) as expected
from here
full join there using ({{ keys }})
where coalesce(here.total, 0) <> coalesce(there.total, 0)

{% endtest %}
