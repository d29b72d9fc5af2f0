select
    data_origin,
    retailer,
    item_number,
    collected_on,
    status
from {{ ref('price_quote_counts') }}
where
    status in ('too_few', 'too_many', 'missing')
    and not enters
