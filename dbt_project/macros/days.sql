{#
    Models built by day (materialization by_day): a run builds the days whose inputs changed since, and no others.

    The YAML of such a model says in `config.meta.days` what its rows depend on:

        column: the model's column of days
        period: month    (only where the rows of a month stand under its first day: days of inputs count for theirs)
        inputs:
          <model or source>: {back_days: 0, ahead_days: 28}
          <model or source>: {column: <of days>, columns: [<read>], back_days: all}
        after: [<model or source that only has to be built before>]

    A row of day d depends on rows of an input from d - back_days to d + ahead_days (`all`: whatever their day). An
    input that is built by day itself has a hash of each day in ops.table_days; of any other, `column` gives the days
    and the rows are hashed when they are needed, of `columns` where only these are read; rows without a
    day are in no view. An input that is not named, such as a seed, is hashed whole: a change of it makes every day
    stale. So does a change of the model's code, its days or any macro.
#}

{# True where a model is built by day in this call of dbt; elsewhere (unit tests, docs) its macros select all days. #}
{% macro is_built_by_day() -%}
    {%- do return(
        execute and flags.WHICH in ('build', 'run') and model.resource_type == 'model'
        and model.config.materialized == 'by_day'
    ) -%}
{%- endmacro %}

{# Name of a node's table in ops.table_days. #}
{% macro name_in_table_days(node) -%}
    {%- do return(node.schema ~ '.' ~ (node.alias or node.identifier or node.name)) -%}
{%- endmacro %}

{#
    Hash of a row, to be summed over the rows of a day; the same as `ROW_HASH` in platform/dagster/by_period.py.
    `hash_record_extended` does not write the row as text, but adds up the hashes of its columns: the sum over rows would
    be the same where two rows exchange a value. To hash its result ends that.
#}
{% macro row_hash(row) -%}
    hashtextextended(hash_record_extended({{ row }}, 0)::text, 0)
{%- endmacro %}

{# The query of (day, inputs_hash) for every day that the model or an input of it has. #}
{% macro inputs_by_day() -%}
    {%- set spec = model.config.meta.days -%}
    {%- set after, inputs = spec.get('after', []), spec.inputs -%}
    {%- set of_day = "date_trunc('" ~ spec.period ~ "', {})::date" if 'period' in spec else '{}' -%}
    {%- set found, by_day, whole = [], [], [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- set node = graph.nodes.get(unique_id) or graph.sources.get(unique_id) -%}
        {%- do found.append(node.name) -%}
        {%- if node.name in inputs -%}
            {%- do by_day.append((node, inputs[node.name])) -%}
        {%- elif node.name not in after -%}
            {%- do whole.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in inputs.keys() | list + after -%}
        {%- if name not in found -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ": days of input " ~ name ~ ", which the model does not read; it reads " ~ found | join(', ')
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {%- set code = local_md5(model.raw_code ~ tojson(spec, sort_keys=true) ~ var('macros_hash', '')) -%}
    with
    {% for node, view in by_day %}
    input_{{ loop.index }} as (
        {% if 'column' in view %}
        {%- set columns = [view.column] + view.get('columns', []) %}
        select
            {{ of_day.replace('{}', view.column) }} as day,
            sum({{ row_hash('row(' ~ columns | join(', ') ~ ')' if 'columns' in view else 'input') }}) as content_hash
        from {{ node.relation_name }} as input
        where {{ view.column }} is not null
        group by {{ of_day.replace('{}', view.column) }}
        {% else %}
        select {{ of_day.replace('{}', 'day') }} as day, sum(content_hash) as content_hash
        from ops.table_days
        where table_name = '{{ name_in_table_days(node) }}'
        group by {{ of_day.replace('{}', 'day') }}
        {% endif %}
    ),
    {% endfor %}
    whole_inputs as (
        select concat_ws(
            ' ', '{{ code }}'
            {% for node in whole %}
            , (select sum({{ row_hash('input') }}) from {{ node.relation_name }} as input)
            {% endfor %}
        ) as content_hash
    ),
    days as (
        select day from ops.table_days where table_name = '{{ name_in_table_days(model) }}'
        {% for _ in by_day %}
        union select day from input_{{ loop.index }}
        {% endfor %}
    )
    select
        days.day,
        md5(concat_ws(
            ' ', whole_inputs.content_hash
            {% for _, view in by_day %}
            , coalesce(sum(input_{{ loop.index }}.content_hash) over (
                order by days.day range between {{ view_bound(view.back_days, 'preceding') }}
                and {{ view_bound(view.ahead_days, 'following') }}
            ), 0)
            {% endfor %}
        )) as inputs_hash
    from days
    cross join whole_inputs
    {% for _ in by_day %}
    left join input_{{ loop.index }} on days.day = input_{{ loop.index }}.day
    {% endfor %}
{%- endmacro %}

{# One side of a view as the bound of a window frame. #}
{% macro view_bound(days, side) -%}
    {%- if days == 'all' -%} unbounded {{ side }}
    {%- elif days is none or days is undefined or not days -%} current row
    {%- else -%} interval '{{ days | int }} days' {{ side }}
    {%- endif -%}
{%- endmacro %}

{# The query of (day, inputs_hash, is_new) for the days whose inputs are others than when they were built. #}
{% macro stale_days_query() -%}
    -- once: inputs without days of their own are hashed here
    with hashed as materialized (
        {{ inputs_by_day() }}
    )
    select
        inputs.day,
        inputs.inputs_hash,
        count(*) over () = (select count(*) from hashed) as is_every_day
    from hashed as inputs
    left join ops.table_days as built
        on built.table_name = '{{ name_in_table_days(model) }}' and inputs.day = built.day
    where inputs.inputs_hash is distinct from built.inputs_hash
    order by inputs.day
{%- endmacro %}

{# Days to build, in order; none stands for all of them, as on the first build. #}
{% macro stale_days() -%}
    {%- if not is_built_by_day() -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- if 'stale_days' not in model -%}
        {%- set rows = run_query(stale_days_query()).rows -%}
        {%- set is_every_day = load_cached_relation(this) is none or (rows and rows[0][2]) or flags.FULL_REFRESH -%}
        {%- do model.update({'stale_days': none if is_every_day else rows | map(attribute=0) | list}) -%}
    {%- endif -%}
    {%- do return(model['stale_days']) -%}
{%- endmacro %}

{# A condition: `column` (a date) is among `days`, or so near that the view of one of them contains it. #}
{% macro in_days(column, days, back_days=0, ahead_days=0) -%}
    {%- if days is none -%}
        true
    {%- elif not days -%}
        false
    {%- else -%}
        {%- set one_day = modules.datetime.timedelta(days=1) -%}
        {%- set stretches = [] -%}
        {%- for day in days -%}
            {%- do stretches.append((day - back_days * one_day, day + ahead_days * one_day)) -%}
        {%- endfor -%}
        {{ in_stretches(column, stretches) }}
    {%- endif -%}
{%- endmacro %}

{# A condition: `column` (a date) is in one of the stretches, pairs of a first and a last day in order of first days. #}
{% macro in_stretches(column, stretches) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set joined = [] -%}
    {%- for first, last in stretches -%}
        {%- if joined and first <= joined[-1][1] + one_day -%}
            {%- do joined.append((joined.pop()[0], last)) -%}
        {%- else -%}
            {%- do joined.append((first, last)) -%}
        {%- endif -%}
    {%- endfor -%}
    (
    {%- for first, last in joined -%}
        {{ column }} between date '{{ first }}' and date '{{ last }}' {{- ' or ' if not loop.last }}
    {%- endfor -%}
    )
{%- endmacro %}

{# First day of the month of a date. Without the cast it would be taken for a time in a zone, which takes longer. #}
{% macro month_of(column) -%}
    date_trunc('month', {{ column }}::timestamp)::date
{%- endmacro %}

{# A condition: `column` (a date) is in one of the months that the model builds (`period: month`). #}
{% macro in_stale_months(column) -%}
    {%- set months = stale_days() -%}
    {%- if not months -%}
        {{ in_days(column, months) }}
    {%- else -%}
        {%- set one_day = modules.datetime.timedelta(days=1) -%}
        {%- set stretches = [] -%}
        {%- for month in months -%}
            {%- do stretches.append((month, (month + 31 * one_day).replace(day=1) - one_day)) -%}
        {%- endfor -%}
        {{ in_stretches(column, stretches) }}
    {%- endif -%}
{%- endmacro %}

{# A condition: `column` (a date) is one of the days that the model builds. #}
{% macro in_stale_days(column) -%}
    {{ in_days(column, stale_days()) }}
{%- endmacro %}

{#
    A condition: `column` (a date) of an input is in the view of the days that the model builds. The bounds of the view
    stand in the model's SQL, where they are used, and in its YAML: two different ones are a compiler error.
#}
{% macro in_view(column, input, back_days, ahead_days) -%}
    {%- if is_built_by_day() -%}
        {%- set view = model.config.meta.days.inputs[input] -%}
        {%- if (view.back_days, view.ahead_days) != (back_days, ahead_days) -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ": view of " ~ input ~ ": found " ~ back_days ~ " days back and " ~ ahead_days
                ~ " ahead, expected " ~ view.back_days ~ " and " ~ view.ahead_days ~ " as in its YAML"
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ in_days(column, stale_days(), back_days, ahead_days) }}
{%- endmacro %}

{#
    A condition for tests: `column` (a date) is among the days of a table built by day that were built since all of its
    tests last passed. `dbt test` reads all days.
#}
{% macro in_unchecked_days(column, relation) -%}
    {%- set days = none -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set of_table = "table_name = '" ~ relation.schema ~ "." ~ relation.identifier ~ "'" -%}
        {#- one row at least: without a day where each is checked -#}
        {%- set found = run_query(
            "select unchecked.day, any_day.is_checked"
            ~ " from (select bool_or(is_checked) as is_checked from ops.table_days where " ~ of_table ~ ") as any_day"
            ~ " left join ops.table_days as unchecked on " ~ of_table ~ " and not unchecked.is_checked order by unchecked.day"
        ).rows -%}
        {%- if found[0][1] -%}
            {%- set days = found | map(attribute=0) | select | list -%}
        {%- endif -%}
    {%- endif -%}
    {{ in_days(column, days) }}
{%- endmacro %}

{# Record the rows and the hash of days of this model, and what they were built from (the query `built_from`). #}
{% macro record_days(column, is_recorded, built_from) -%}
    {%- set name = name_in_table_days(model) -%}
    with contents as (
        select {{ column }} as day, count(*) as rows_of_day, sum({{ row_hash('content') }}) as content_hash
        from {{ this }} as content
        where {{ is_recorded }}
        group by {{ column }}
    )
    insert into ops.table_days (table_name, day, rows_of_day, content_hash, inputs_hash)
    select '{{ name }}', built.day, coalesce(contents.rows_of_day, 0), coalesce(contents.content_hash, 0), built.inputs_hash
    from ({{ built_from }}) as built
    left join contents on built.day = contents.day
{%- endmacro %}

{# After a windowed model, whose days the run names: record those of the window, on the first such build all. #}
{% macro record_window(column) -%}
    {%- if execute -%}
        {%- set name = name_in_table_days(model) -%}
        {%- set is_known = run_query(
            "select exists (select from ops.table_days where table_name = '" ~ name ~ "')"
        ).rows[0][0] -%}
        {#- not one condition for both cases, with which the index on the days would not be used -#}
        {%- set is_recorded = in_window(column) if is_known else 'true' -%}
        with contents as (
            select {{ column }} as day, count(*) as rows_of_day, sum({{ row_hash('content') }}) as content_hash
            from {{ this }} as content
            where {{ is_recorded }}
            group by {{ column }}
        ),
        gone as (
            delete from ops.table_days
            where table_name = '{{ name }}' and {{ in_window('day') }} and day not in (select day from contents)
        )
        insert into ops.table_days as recorded (table_name, day, rows_of_day, content_hash)
        select '{{ name }}', day, rows_of_day, content_hash from contents
        on conflict (table_name, day) do update
        set rows_of_day = excluded.rows_of_day, content_hash = excluded.content_hash, is_checked = false
    {%- endif -%}
{%- endmacro %}

{#
    After a table that is built whole: record the rows and the hash of each of its days, so that whoever depends on single
    days of it does not hash them.
#}
{% macro record_table(column) -%}
    {%- set name = name_in_table_days(model) -%}
    delete from ops.table_days where table_name = '{{ name }}';
    insert into ops.table_days (table_name, day, rows_of_day, content_hash)
    select '{{ name }}', {{ column }}, count(*), sum({{ row_hash('content') }})
    from {{ this }} as content
    group by {{ column }}
{%- endmacro %}

{# Builds the stale days in place of their rows; every day in a new table. Nothing is done where no day is stale. #}
{% materialization by_day, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set column = model.config.meta.days.column -%}
    {%- set days = stale_days() -%}
    {%- set name = name_in_table_days(model) -%}
    {%- set to_drop = [] -%}
    {%- if days is not none and not days -%}
        {% call statement('main') %} select 1 as nothing_is_stale {% endcall %}
        {%- do adapter.commit() -%}
        {{ return({'relations': [target]}) }}
    {%- endif -%}
    {%- set intermediate = make_intermediate_relation(target) -%}
    {%- set backup = make_backup_relation(target, 'table' if existing is none else existing.type) -%}
    {{ drop_relation_if_exists(load_cached_relation(intermediate)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup)) }}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- do run_query(
        "create temporary table days_to_build on commit drop as select day, inputs_hash from ("
        ~ (inputs_by_day() if days is none else stale_days_query()) ~ ") as stale"
    ) -%}
    {%- if days is none -%}
        {% call statement('main') %} {{ get_create_table_as_sql(False, intermediate, sql) }} {% endcall %}
        {%- do create_indexes(intermediate) -%}
        {%- if existing is not none -%}
            {%- do adapter.rename_relation(existing, backup) -%}
            {%- do to_drop.append(backup) -%}
        {%- endif -%}
        {%- do adapter.rename_relation(intermediate, target) -%}
        {%- do run_query("delete from ops.table_days where table_name = '" ~ name ~ "'") -%}
    {%- else -%}
        {%- set now_stale = run_query("select day from days_to_build order by day").columns[0].values() | list -%}
        {%- if now_stale != days -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ": an input changed during the build: found " ~ now_stale | length ~ " stale days, "
                ~ days | length ~ " before. Build it again"
            ) }}
        {%- endif -%}
        {%- do run_query("delete from " ~ target ~ " where " ~ in_days(column, days)) -%}
        {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='quoted') | join(', ') -%}
        {% call statement('main') %}
            insert into {{ target }} ({{ columns }}) select {{ columns }} from ({{ sql }}) as rows_of_days
        {% endcall %}
        {%- do run_query(
            "delete from ops.table_days where table_name = '" ~ name ~ "' and day in (select day from days_to_build)"
        ) -%}
    {%- endif -%}
    {%- do run_query(record_days(column, in_days(column, days), "select day, inputs_hash from days_to_build")) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {%- for relation in to_drop -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endfor -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
