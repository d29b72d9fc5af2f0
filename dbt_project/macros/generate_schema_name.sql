{# The layer is the schema: a model's own schema is used as it stands, without the target's as a prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ exceptions.raise_compiler_error(
            node.resource_type ~ " " ~ node.name ~ ": found no schema, expected one of staging, intermediate, "
            ~ "marts, seeds (a folder of dbt_project.yml)"
        ) }}
    {%- endif -%}
    {{ custom_schema_name | trim }}
{%- endmacro %}
