{# The expression is true of every row; null is not true. #}
{% test expression_holds(model, expression) %}

select * from {{ model }}
where ({{ expression }}) is not true

{% endtest %}
