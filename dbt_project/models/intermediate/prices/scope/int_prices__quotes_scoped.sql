{{ config(materialized='view', post_hook=[]) }}

select
    quotes.data_origin,
    quotes.retailer,
    quotes.item_number,
    quotes.product,
    quotes.collected_on,
    quotes.price_gbp,
    scoped.in_scope,
    coalesce(scoped.scope_decided_by, 'none') as scope_decided_by
from {{ ref('int_prices__quotes_accepted') }} as quotes
left join {{ ref('int_prices__products_scoped') }} as scoped
    on
        quotes.data_origin = scoped.data_origin
        and quotes.item_number = scoped.item_number
        and quotes.retailer = scoped.retailer
        and quotes.product = scoped.product
