{# Calendar periods of a retailer's rhythm of collection (seed retailers): one collection is expected in each. #}

{# First day of the period that a day (a date) lies in; null for an unknown rhythm. #}
{% macro rhythm_period(rhythm, day) -%}
    (case
        when {{ rhythm }} = 'daily' then {{ day }}
        when {{ rhythm }} like 'weekly%' then date_trunc('week', {{ day }})::date
        when {{ rhythm }} = 'monthly' then date_trunc('month', {{ day }})::date
    end)
{%- endmacro %}

{# Length of a period, as an interval. #}
{% macro rhythm_step(rhythm) -%}
    (case
        when {{ rhythm }} = 'daily' then interval '1 day'
        when {{ rhythm }} like 'weekly%' then interval '7 days'
        when {{ rhythm }} = 'monthly' then interval '1 month'
    end)
{%- endmacro %}

{# Day by which the collection of the period that begins on `period` (a date) is due: without a weekday its last. #}
{% macro rhythm_due(rhythm, period) -%}
    (case
        {%- for day in ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] %}
        when {{ rhythm }} = 'weekly_{{ day }}' then {{ period }} + {{ loop.index0 }}
        {%- endfor %}
        else ({{ period }} + {{ rhythm_step(rhythm) }})::date - 1
    end)
{%- endmacro %}
