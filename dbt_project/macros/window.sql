{#
    The window of days that a run rebuilds: vars window_start and window_end, both included. They are the first and
    the last day of the run's partitions, whatever their cadence: a monthly model gets whole months.
#}

{# The ISO date in a var; any other value is a compiler error. #}
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

{# Delete the window's rows before a windowed model appends, those of days without any new row included. #}
{% macro delete_window(column) -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ in_window(column) }}
    {%- endif -%}
{%- endmacro %}

{#
    What a data test reads, in place of dbt's own macro of this name: `where: in_window(<column>)` stands for the
    days that the run rebuilds, `in_unchecked_days(<column>)` for the days of a model built by day that no test has
    passed yet. A test's configuration may not call a macro itself.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- set window = modules.re.search('in_window\\(([a-z_][a-z0-9_]*)\\)', where) -%}
    {%- if window is not none -%}
        {%- set where = where | replace(window.group(0), in_window(window.group(1))) -%}
    {%- endif -%}
    {%- set unchecked = modules.re.search('in_unchecked_days\\(([a-z_][a-z0-9_]*)\\)', where) -%}
    {%- if unchecked is not none -%}
        {%- set where = where | replace(unchecked.group(0), in_unchecked_days(unchecked.group(1), relation)) -%}
    {%- endif -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as rows_in_question') -%}
{%- endmacro %}
