{# Periods of one combination of columns do not overlap. A null last day never ends. #}
{% test no_overlapping_periods(model, columns, first, last) %}

with periods as (

    select
        {{ columns | join(', ') }},
        {{ first }} as first_day,
        lag(coalesce({{ last }}, 'infinity'::date)) over (
            partition by {{ columns | join(', ') }} order by {{ first }}
        ) as earlier_last_day
    from {{ model }}

)

select * from periods
where earlier_last_day >= first_day

{% endtest %}
