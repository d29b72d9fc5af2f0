select
    retailers.data_origin,
    weights.retailer,
    weights.item_number::integer as item_number,
    weights.weights_year::integer as weights_year,
    weights.weight::double precision as weight
from {{ ref('retailer_weights') }} as weights
inner join {{ ref('retailers') }} as retailers
    on weights.retailer = retailers.retailer
