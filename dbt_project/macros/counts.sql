{# The band in which a count of products passes, and how counts are written in reasons. #}

{#
    Lower or upper bound round a level of products. Half and double bind large counts; the square root
    keeps a handful from being rejected for chance.
#}
{% macro count_band(side, level) -%}
    {%- if side == 'low' -%}
        least({{ level }} / 2.0, {{ level }} - 2 * sqrt(({{ level }})::double precision))
    {%- elif side == 'high' -%}
        greatest({{ level }} * 2.0, {{ level }} + 2 * sqrt(({{ level }})::double precision))
    {%- else -%}
        {{ exceptions.raise_compiler_error("count_band: found side '" ~ side ~ "', expected 'low' or 'high'") }}
    {%- endif -%}
{%- endmacro %}

{# A number as text with at most one decimal and no trailing zero. #}
{% macro plain_number(value) -%}
    trim_scale(round(({{ value }})::numeric, 1))
{%- endmacro %}

{# A condition on a quote that enters: its price may tell what its product usually costs. #}
{% macro is_reference_price() -%}
    not is_ambiguous and in_stock is distinct from false and decision is distinct from 'drop'
{%- endmacro %}
