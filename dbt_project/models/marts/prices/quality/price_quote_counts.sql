select
    collected_on,
    retailer,
    item_number,
    products,
    expected_products,
    status,
    reason,
    runs,
    listings,
    data_origin,
    decision_id,
    enters
from {{ ref('int_prices__quote_counts_judged') }}
