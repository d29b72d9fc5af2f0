{{ config(pre_hook="{{ join_by_hash() }}") }}

with sizes as (

    select
        products.data_origin,
        products.retailer,
        products.item_number,
        products.product,
        sizes.listing_id,
        sizes.month,
        sizes.measure,
        sizes.pack_size,
        sizes.quotes,
        sizes.quotes_of_item_days
    from {{ ref('int_prices__pack_sizes_counted') }} as sizes
    inner join {{ ref('int_prices__products') }} as products
        on sizes.listing_id = products.listing_id

),

-- A product measured in two ways has the measure of most of its quotes.
products as (

    select distinct on (data_origin, retailer, item_number, product)
        data_origin,
        retailer,
        item_number,
        product,
        measure,
        -- in a fixed order: a sum of floating-point numbers depends on it
        exp(sum(quotes * ln(pack_size) order by listing_id, month, pack_size) / sum(quotes)) as mean_pack_size
    from sizes
    where quotes > 0
    group by data_origin, retailer, item_number, product, measure
    order by data_origin, retailer, item_number, product, sum(quotes) desc, measure

),

-- Prices per kilogram and per piece have no mean: one measure for the item, over all retailers.
measures as (

    select distinct on (data_origin, item_number)
        data_origin,
        item_number,
        measure
    from sizes
    where quotes_of_item_days > 0
    group by data_origin, item_number, measure
    order by data_origin, item_number, sum(quotes_of_item_days) desc, measure

),

final as (

    select
        products.data_origin,
        products.retailer,
        products.item_number,
        products.product,
        products.measure,
        -- Unit prices are in whole pence: further digits are noise, which would move all months of a product each day.
        round(products.mean_pack_size::numeric, 3 - floor(log(products.mean_pack_size))::integer)::float8 as pack_size,
        products.measure = measures.measure as is_of_item_measure
    from products
    inner join measures
        on
            products.data_origin = measures.data_origin
            and products.item_number = measures.item_number

)

select * from final
