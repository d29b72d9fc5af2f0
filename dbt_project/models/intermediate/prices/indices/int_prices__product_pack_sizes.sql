{{ config(pre_hook="{{ join_by_hash() }}") }}

with listings as (

    select
        listing_id,
        case split_part(unit, ' ', 2)
            when 'kg' then 'kilograms' when 'g' then 'kilograms'
            when 'l' then 'litres' when 'ml' then 'litres' when 'cl' then 'litres'
            when 'each' then 'pieces'
        end as measure,
        -- in a fixed order: a sum of floating-point numbers depends on it
        sum(quotes * ln(pack_size) order by month, price_gbp, pack_size, unit) / sum(quotes) as log_pack_size,
        sum(quotes) as quotes
    from {{ ref('int_prices__listings_counted') }}
    where pack_size > 0
    group by 1, 2

),

-- A product measured in two ways has the measure of most of its quotes.
products as (

    select distinct on (products.data_origin, products.retailer, products.item_number, products.product)
        products.data_origin,
        products.retailer,
        products.item_number,
        products.product,
        listings.measure,
        exp(
            sum(listings.log_pack_size * listings.quotes order by listings.listing_id) / sum(listings.quotes)
        ) as pack_size,
        sum(listings.quotes) as quotes
    from listings
    inner join {{ ref('int_prices__products') }} as products
        on listings.listing_id = products.listing_id
    where listings.measure is not null
    group by
        products.data_origin, products.retailer, products.item_number, products.product, listings.measure
    order by
        products.data_origin, products.retailer, products.item_number, products.product,
        sum(listings.quotes) desc, listings.measure

),

-- Prices per kilogram and per piece have no mean: one measure for the item, over all retailers.
measures as (

    select distinct on (data_origin, item_number)
        data_origin,
        item_number,
        measure
    from products
    group by data_origin, item_number, measure
    order by data_origin, item_number, sum(quotes) desc, measure

),

final as (

    select
        products.data_origin,
        products.retailer,
        products.item_number,
        products.product,
        products.measure,
        products.pack_size,
        products.measure = measures.measure as is_of_item_measure
    from products
    inner join measures
        on
            products.data_origin = measures.data_origin
            and products.item_number = measures.item_number

)

select * from final
