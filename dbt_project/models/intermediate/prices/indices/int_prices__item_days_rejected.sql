select
    data_origin,
    retailer,
    item_number,
    collected_on,
    status
from {{ ref('int_prices__quote_counts_judged') }}
where
    status in ('too_few', 'too_many', 'missing', 'frozen')
    and not enters
