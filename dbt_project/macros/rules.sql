{# Hash of a pilot's rules in SQL: the code of its models in staging and intermediate, and all macros. #}
{% macro rules_hash(pilot) -%}
    {%- if not execute -%}
        {%- do return('unknown while the project is read') -%}
    {%- endif -%}
    {%- set codes = [var('macros_hash', '')] -%}
    {%- for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | sort(attribute='unique_id') -%}
        {%- if node.path.split('/')[:2] in (['staging', pilot], ['intermediate', pilot]) -%}
            {%- do codes.append(node.unique_id ~ ' ' ~ local_md5(node.raw_code)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(local_md5(codes | join(' '))) -%}
{%- endmacro %}
