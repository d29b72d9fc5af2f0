-- After the figures, which do not depend on it, so that a fault here stops no index:
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}
{# Size classes are 8 % wide: 15 of them are a factor of 3.2. #}
{% set size_classes = 15 %}

-- The size class in which a product is listed on most days, and the listings of other sizes.
with sizes as (

    select
        data_origin,
        retailer,
        item_number,
        product,
        size_class,
        sum(days) as days
    from {{ ref('int_prices__products') }}
    where size_class is not null
    group by data_origin, retailer, item_number, product, size_class

),

main_sizes as (

    select distinct on (data_origin, retailer, item_number, product) *
    from sizes
    order by data_origin, retailer, item_number, product, days desc, size_class

),

final as (

    select
        products.listing_id,
        products.product,
        products.size_class - main_sizes.size_class as classes_off,
        products.first_listed_on
    from {{ ref('int_prices__products') }} as products
    inner join main_sizes
        on
            products.data_origin = main_sizes.data_origin
            and products.retailer = main_sizes.retailer
            and products.item_number = main_sizes.item_number
            and products.product = main_sizes.product
    where
        abs(products.size_class - main_sizes.size_class) >= {{ size_classes }}
        and products.days < main_sizes.days

)

select * from final
