{# The window of days that a run rebuilds: vars window_start and window_end, both included. #}

{# The ISO date in a var; a compiler error where it is anything else. #}
{% macro window_date(name) -%}
    {%- set value = var(name) | string -%}
    {%- if modules.re.fullmatch('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])', value) is none -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ ": found '" ~ value ~ "', expected a date YYYY-MM-DD") }}
    {%- endif -%}
    {{ value }}
{%- endmacro %}

{# A condition: `column` (a date) lies in the window. #}
{% macro in_window(column) -%}
    {%- set first = window_date('window_start') -%}
    {%- set last = window_date('window_end') -%}
    {%- if first > last -%}
        {{ exceptions.raise_compiler_error(
            "vars window_start and window_end: found " ~ first ~ " after " ~ last ~ ", expected the first day first"
        ) }}
    {%- endif -%}
    {{ column }} between date '{{ first }}' and date '{{ last }}'
{%- endmacro %}

{# Before a windowed model appends: take out the window's rows, also those of days that have none any more. #}
{% macro delete_window(column) -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ in_window(column) }}
    {%- endif -%}
{%- endmacro %}

{#
    What a data test reads, in place of dbt's own macro of this name: `where: __window__` stands for the days that
    the run rebuilds. A test's configuration may not call a macro itself.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- if '__window__' in where -%}
        {%- set where = where | replace('__window__', in_window('collected_on')) -%}
    {%- endif -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as rows_in_question') -%}
{%- endmacro %}
