select
    finding_id,
    data_origin,
    collected_on,
    retailer,
    item_number,
    item_name,
    category,
    product,
    kind,
    severity,
    observed,
    expected,
    evidence,
    suggestion,
    suggested_value
from {{ ref('int_prices__findings_combined') }}
