{# Hash of rules in SQL: the code of the named models and of all models that they are built from, and all macros. #}
{% macro rules_hash(names) -%}
    {%- if not execute -%}
        {%- do return('unknown while the project is read') -%}
    {%- endif -%}
    {%- set models = {} -%}
    {%- for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') -%}
        {%- do models.update({node.unique_id: node}) -%}
    {%- endfor -%}
    {%- set found = models.values() | selectattr('name', 'in', names) | map(attribute='unique_id') | list -%}
    {%- if found | length != names | length -%}
        {{ exceptions.raise_compiler_error("rules_hash: found " ~ found | join(', ') ~ " of models " ~ names | join(', ')) }}
    {%- endif -%}
    {# the list grows while it is walked #}
    {%- for unique_id in found -%}
        {%- for input in models[unique_id].depends_on.nodes -%}
            {%- if input in models and input not in found -%}
                {%- do found.append(input) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set codes = [var('macros_hash', '')] -%}
    {%- for unique_id in found | sort -%}
        {%- do codes.append(unique_id ~ ' ' ~ local_md5(models[unique_id].raw_code)) -%}
    {%- endfor -%}
    {%- do return(local_md5(codes | join(' '))) -%}
{%- endmacro %}
