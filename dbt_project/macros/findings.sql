{# The columns of a finding in their order, for the models that `int_prices__findings_combined` combines. #}

{#
    `item_number`, `category`, `product`, `observed`, `expected`, `suggestion` and `suggested_value` may be left out:
    they are null.
#}
{% macro finding(kind, severity, evidence, item_number='null::integer', category='null::text', product='null::text',
    observed='null::double precision', expected='null::double precision', suggestion='null::text',
    suggested_value='null::text') -%}
    data_origin,
    collected_on,
    retailer,
    {{ item_number }} as item_number,
    {{ category }} as category,
    {{ product }} as product,
    {{ kind }} as kind,
    {{ severity }} as severity,
    ({{ observed }})::double precision as observed,
    ({{ expected }})::double precision as expected,
    {{ evidence }} as evidence,
    {{ suggestion }} as suggestion,
    {{ suggested_value }} as suggested_value
{%- endmacro %}

{# A share as text: `12 %`. #}
{% macro per_cent(share) -%}
    round((100 * ({{ share }}))::numeric) || ' %'
{%- endmacro %}

{# Words of the last part of a shelf's path, in lower case. #}
{% macro shelf_words(category) -%}
    regexp_split_to_array(lower(regexp_replace({{ category }}, '^.*/', '')), '[^[:alnum:]]+')
{%- endmacro %}
