{# The whole of each value matches the regular expression; null does. #}
{% test matches_pattern(model, column_name, pattern) %}

select {{ column_name }} from {{ model }}
where {{ column_name }} !~ '^({{ pattern | trim }})$'

{% endtest %}
