{# A quantile of a column lies between two bounds: it detects pence read as pounds, or a shifted column. #}
{% test quantile_within(model, column_name, quantile, at_least, at_most) %}

with found as (

    select percentile_cont({{ quantile }}) within group (order by {{ column_name }}) as quantile
    from {{ model }}

)

select quantile from found
where quantile < {{ at_least }} or quantile > {{ at_most }}

{% endtest %}
