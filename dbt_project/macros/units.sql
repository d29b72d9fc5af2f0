{# Units of unit prices: how much of a kilogram, litre or piece one unit of a measure is. #}

{# Null for 'unknown' and for measures that are not listed (a test of staging names those). #}
{% macro quantity_per_measure(measure) -%}
    case {{ measure }}
        when 'kg' then 1.0 when 'l' then 1.0 when 'each' then 1.0
        when 'g' then 0.001 when 'ml' then 0.001 when 'cl' then 0.01
    end
{%- endmacro %}

{# Kilograms, litres or pieces, in which a quantity of the measure is given. #}
{% macro dimension_of_measure(measure) -%}
    case {{ measure }}
        when 'kg' then 'kilograms' when 'g' then 'kilograms'
        when 'l' then 'litres' when 'ml' then 'litres' when 'cl' then 'litres'
        when 'each' then 'pieces'
    end
{%- endmacro %}
