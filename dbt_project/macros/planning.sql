{#
    Before a model that joins large tables on several columns: no nested loops in its transaction. The planner
    takes the columns for independent, expects one row, and would search one table for every row of the other.
#}
{% macro join_by_hash() -%}
    set local enable_nestloop = off
{%- endmacro %}
