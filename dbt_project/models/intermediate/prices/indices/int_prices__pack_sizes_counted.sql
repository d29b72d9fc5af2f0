{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['month']}],
    )
}}

{# Days from the first pack size of a product in which its size is decided, as in `int_prices__products`; of an item, its measure. #}
{% set sized_after_days, measured_after_days = 14, 56 %}
{% set month = month_of('quotes.collected_on') %}

select
    {{ month }} as month,
    quotes.listing_id,
    {{ dimension_of_measure("split_part(quotes.unit, ' ', 2)") }} as measure,
    quotes.pack_size,
    count(*) filter (
        where quotes.collected_on <= products.sized_from + {{ sized_after_days }}
    )::integer as quotes,
    count(*) filter (
        where quotes.collected_on <= products.item_sized_from + {{ measured_after_days }}
    )::integer as quotes_of_item_days
from {{ ref('stg_prices__quotes') }} as quotes
inner join {{ ref('int_prices__products') }} as products
    on quotes.listing_id = products.listing_id
where
    {{ in_stale_months('quotes.collected_on') }}
    -- spares most of the join: an item's first pack size is that of a product of it
    and {{ in_days('products.sized_from', stale_days(), [sized_after_days, measured_after_days] | max, 30) }}
    and quotes.collected_on <= greatest(
        products.sized_from + {{ sized_after_days }}, products.item_sized_from + {{ measured_after_days }}
    )
    and quotes.pack_size > 0
group by {{ month }}, quotes.listing_id, 3, quotes.pack_size
