{# The schema is that of the model's folder, without the schema of the target as a prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ exceptions.raise_compiler_error(
            node.resource_type ~ " " ~ node.name ~ ": found no schema, expected one of staging, intermediate, "
            ~ "marts, seeds (a folder of dbt_project.yml)"
        ) }}
    {%- endif -%}
    {{ custom_schema_name | trim }}
{%- endmacro %}
