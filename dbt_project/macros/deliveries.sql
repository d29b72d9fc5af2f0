{% macro is_delivered_last() -%}
{#- Condition on `files`: the version that counts. Of one file that came packed and unpacked, with the name differing in
`.gz` or `.zst` only, that is the one that landed last of those that were taken in: both would count every row twice. -#}
files.superseded_by is null
    and not exists (
        select later.file_id
        from {{ source('ops', 'files') }} as later
        inner join {{ source('ops', 'loads') }} as later_loads
            on later.file_id = later_loads.file_id
        where
            later.source = files.source
            and later.superseded_by is null
            and later_loads.outcome = 'loaded'
            and later_loads.state = 'committed'
            and later.name <> files.name
            and regexp_replace(later.name, '\.(gz|zst)$', '') = regexp_replace(files.name, '\.(gz|zst)$', '')
            and (later.landed_at, later.file_id) > (files.landed_at, files.file_id)
    )
{%- endmacro %}
