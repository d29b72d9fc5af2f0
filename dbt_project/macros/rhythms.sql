{# Calendar periods of a retailer's rhythm of collection (seed retailers): one collection is expected in each. #}

{# Rhythms of some weekdays: two to six in their order, or from one to another. #}
{% macro rhythm_is_of_weekdays(rhythm) -%}
    {{ rhythm }} ~ '^(mon|tues|wednes|thurs|fri|satur|sun)day_'
{%- endmacro %}

{# First day of the period that a day (a date) lies in; null for an unknown rhythm. #}
{% macro rhythm_period(rhythm, day) -%}
    (case
        when {{ rhythm }} = 'daily' or {{ rhythm_is_of_weekdays(rhythm) }} then {{ day }}
        when {{ rhythm }} like 'weekly%' or {{ rhythm }} = 'fortnightly' then date_trunc('week', {{ day }})::date
        when {{ rhythm }} = 'monthly' then date_trunc('month', {{ day }})::date
    end)
{%- endmacro %}

{# Length of a period, as an interval. #}
{% macro rhythm_step(rhythm) -%}
    (case
        when {{ rhythm }} = 'daily' or {{ rhythm_is_of_weekdays(rhythm) }} then interval '1 day'
        when {{ rhythm }} like 'weekly%' then interval '7 days'
        when {{ rhythm }} = 'fortnightly' then interval '14 days'
        when {{ rhythm }} = 'monthly' then interval '1 month'
    end)
{%- endmacro %}

{# True if a collection is expected in the period that begins on `period` (a date): of some weekdays on these. #}
{% macro rhythm_expects(rhythm, period) -%}
    {%- set number = "array_position(array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], " -%}
    (case
        when not {{ rhythm_is_of_weekdays(rhythm) }} then true
        when {{ rhythm }} like '%\_to\_%'
            then extract(isodow from {{ period }})
                between {{ number }}split_part({{ rhythm }}, '_to_', 1))
                and {{ number }}split_part({{ rhythm }}, '_to_', 2))
        else to_char({{ period }}, 'fmday') = any(string_to_array({{ rhythm }}, '_'))
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
