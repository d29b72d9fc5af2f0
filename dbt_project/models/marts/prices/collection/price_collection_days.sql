select
    collected_on,
    retailer,
    runs,
    outages,
    rows_in,
    accepted,
    quarantined,
    status,
    reason,
    data_origin
from {{ ref('int_prices__collection_days_classified') }}
