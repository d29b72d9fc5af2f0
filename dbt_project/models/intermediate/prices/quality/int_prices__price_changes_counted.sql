{{
    config(
        materialized='by_day',
        pre_hook="{{ join_by_hash() }}",
        indexes=[{'columns': ['collected_on']}],
    )
}}

-- After the figures, which do not depend on it, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}

{# A price is compared with the product's last one, at most so many days old. #}
{% set recent_days = 7 %}

with priced as (

    select
        data_origin,
        retailer,
        collected_on,
        -- an older price may be too old to link
        price_gbp <> lag(price_gbp) over product_days
        and collected_on - lag(collected_on) over product_days <= {{ recent_days }} as has_changed
    from {{ ref('int_prices__quotes_accepted') }}
    where {{ in_view('collected_on', 'int_prices__quotes_accepted', recent_days, 0) }}
    window product_days as (partition by data_origin, retailer, item_number, product order by collected_on)

),

final as (

    select
        data_origin,
        retailer,
        collected_on,
        count(*)::integer as quotes,
        count(*) filter (where has_changed)::integer as price_changes
    from priced
    where {{ in_stale_days('collected_on') }}
    group by data_origin, retailer, collected_on

)

select * from final
