{{ config(materialized='view', post_hook=[]) }}

{# Models that the figures are computed from; the decisions on scope among them, from the names on. #}
{% set inputs_of_figures = [
    'int_prices__quotes_scoped', 'int_prices__item_days_accepted', 'int_prices__product_pack_sizes',
    'int_prices__item_days_rejected', 'int_prices__retailer_weights_assigned', 'int_prices__product_scope_ruled',
    'stg_prices__scope_labels',
] %}

with files as (

    select
        'file ' || loads.load_id as event_id,
        'late_file' as kind,
        coalesce(loads.data_origin, files.data_origin) as data_origin,
        min(days.partition)::date as first_day,
        'file ' || files.name || ' of ' || files.delivery as description
    from {{ source('ops', 'loads') }} as loads
    inner join {{ source('ops', 'files') }} as files
        on loads.file_id = files.file_id
    inner join {{ source('ops', 'load_partitions') }} as days
        on loads.load_id = days.load_id
    where files.source = 'prices' and loads.state = 'committed'
    group by loads.load_id, loads.data_origin, files.data_origin, files.name, files.delivery

),

decisions as (

    select
        'decision ' || decision_id || ' version ' || version as event_id,
        'decision' as kind,
        null::text as data_origin,
        valid_from as first_day,
        'decision ' || decision_id || ', version ' || version || ': ' || reason as description
    from {{ ref('price_decisions') }}

),

weights as (

    {% for name in ['item_weights', 'class_weights', 'retailer_weights'] %}
    select
        '{{ name }} ' || coalesce(sum(hashtextextended(weights::text, 0)), 0) as event_id,
        'new_weights' as kind,
        null::text as data_origin,
        null::date as first_day,
        'new {{ name }}' as description
    from {{ ref(name) }} as weights
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

labels as (

    select
        'labels ' || coalesce(sum(hashtextextended(labels::text, 0)), 0) as event_id,
        'new_labels' as kind,
        null::text as data_origin,
        null::date as first_day,
        'new labels of the scope of products' as description
    from {{ ref('stg_prices__scope_labels') }} as labels

),

rules as (

    select
        'rules {{ rules_hash(inputs_of_figures) }}' as event_id,
        'new_method' as kind,
        null::text as data_origin,
        null::date as first_day,
        'new version of the rules in SQL' as description

),

final as (

    select * from files
    union all
    select * from decisions
    union all
    select * from weights
    union all
    select * from labels
    union all
    select * from rules

)

select * from final
