{#
    Before a model that joins large tables on several columns: no nested loops in its transaction. The planner
    takes the columns for independent, expects one row, and would scan one table for every row of the other.
    `without_merging`: no merge joins either, for which it would sort a large table to join it to a short one.
#}
{% macro join_by_hash(without_merging=false) -%}
    set local enable_nestloop = off{{ '; set local enable_mergejoin = off' if without_merging }}
{%- endmacro %}

{#
    Before a model that groups large tables by several columns: no sorts and no merge joins either. The planner takes
    the groups for as many as the rows, and would sort half a million of them.
#}
{% macro group_by_hash() -%}
    set local enable_nestloop = off; set local enable_mergejoin = off; set local enable_sort = off
{%- endmacro %}

{#
    After a model: renew the planner's statistics of its table. A view has none. The target is `STATISTICS_TARGET` of
    platform/postgres/warehouse.py.
#}
{% macro analyze_table() -%}
    {%- if model.config.materialized != 'view' -%}
        set local default_statistics_target = 25; analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
