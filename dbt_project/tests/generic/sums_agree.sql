{# Two tables give the same sum for every group; a group without rows has the sum 0.
   `of_window` names a column of days: only the days that the run rebuilds are compared. #}
{% test sums_agree(model, total, to, to_total, group_by, of_window=none) %}

{% set keys = group_by | join(', ') %}
with here as (

    select {{ keys }}, sum({{ total }}) as total
    from {{ model }}
    {% if of_window %} where {{ in_window(of_window) }} {% endif %}
    group by {{ keys }}

),

there as (

    select {{ keys }}, sum({{ to_total }}) as total
    from {{ to }}
    {% if of_window %} where {{ in_window(of_window) }} {% endif %}
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
