select
    quotes.data_origin,
    quotes.load_id,
    quotes.line,
    quotes.item_number,
    quotes.month,
    quotes.validity,
    quotes.price_gbp,
    quotes.stratum_weight,
    quotes.stratum_type,
    quotes.stratum_cell,
    quotes.shop_weight,
    quotes.base_price_gbp,
    quotes.base_validity
from {{ ref('stg_prices__official_price_quotes') }} as quotes
inner join {{ ref('items') }} as items
    on quotes.item_number = items.item_number
where quotes.validity in (3, 4) or quotes.price_gbp > 0
