{{
    config(
        materialized='by_day',
        pre_hook="{{ group_by_hash() }}",
        indexes=[{'columns': ['first_on']}],
    )
}}

-- After the figures, which do not depend on it, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}

-- A day is built with all days after it: the products of earlier days are in the table.
with listed as (

    select
        data_origin,
        retailer,
        collected_item_number as item_number,
        product,
        min(collected_on) as first_on
    from {{ ref('int_prices__quotes_entering') }}
    where {{ in_stale_days('collected_on') }}
    group by data_origin, retailer, collected_item_number, product

),

final as (

    select listed.*
    from listed
    {% if stale_days() -%}
    left join {{ this }} as earlier
        on
            listed.data_origin = earlier.data_origin
            and listed.retailer = earlier.retailer
            and listed.item_number = earlier.item_number
            and listed.product = earlier.product
    where earlier.product is null
    {%- endif %}

)

select * from final
