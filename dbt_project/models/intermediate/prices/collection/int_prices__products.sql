{{ config(pre_hook="{{ group_by_hash() }}") }}

{# Days after the first listing of a name in which it is decided how its products are told apart. #}
{% set settled_after_days = 56 %}
{# Days after the first pack size of a product in which its pack size is decided (`int_prices__pack_sizes_counted`). #}
{% set sized_after_days = 14 %}

with listings as (

    select
        listing_id,
        -- the same on every row of a listing
        min(data_origin) as data_origin,
        min(retailer) as retailer,
        min(item_number) as item_number,
        min(product_id) as product_id,
        min(product_name) as product_name,
        min(size_class) as size_class,
        min(first_listed_on) as first_listed_on,
        max(last_listed_on) as last_listed_on,
        min(first_listed_on) filter (where pack_size > 0) as first_sized_on,
        sum(quotes)::integer as days
    from {{ ref('int_prices__listings_counted') }}
    group by listing_id

),

names as (

    select
        data_origin,
        retailer,
        item_number,
        product_name,
        min(first_listed_on) filter (where product_id is null) as first_listed_on,
        min(first_listed_on) filter (where product_id is not null) as first_with_id_on
    from listings
    group by data_origin, retailer, item_number, product_name

),

-- Several prices of one name in one run, within one listing or between listings. The first weeks decide: a key that
-- changed later would change every figure since.
names_with_several_prices as (

    select distinct
        runs.data_origin,
        runs.retailer,
        runs.item_number,
        runs.product_name
    from {{ ref('int_prices__names_repriced') }} as runs
    inner join names
        on
            runs.data_origin = names.data_origin
            and runs.retailer = names.retailer
            and runs.item_number = names.item_number
            and runs.product_name = names.product_name
            and names.first_listed_on + {{ settled_after_days }} >= runs.collected_on

),

-- A source may begin to give ids (a new scraper): then a name that has one id, and no other in the first weeks, is that
-- product on the days before, too. Else every series of the retailer would break on the day of the change.
names_with_one_id as (

    select
        listings.data_origin,
        listings.retailer,
        listings.item_number,
        listings.product_name,
        min(listings.product_id) as product_id
    from listings
    inner join names
        on
            listings.data_origin = names.data_origin
            and listings.retailer = names.retailer
            and listings.item_number = names.item_number
            and listings.product_name = names.product_name
            and names.first_with_id_on + {{ settled_after_days }} >= listings.first_listed_on
    where listings.product_id is not null
    group by listings.data_origin, listings.retailer, listings.item_number, listings.product_name
    having count(distinct listings.product_id) = 1

),

keyed as (

    select
        listings.listing_id,
        listings.data_origin,
        listings.retailer,
        listings.item_number,
        listings.product_id,
        listings.product_name,
        listings.size_class,
        case
            when listings.product_id is not null then listings.product_id
            when several.product_name is null then coalesce(names_with_one_id.product_id, listings.product_name)
            else listings.product_name || ' (size class ' || coalesce(listings.size_class::text, 'unknown') || ')'
        end as product,
        case
            when listings.product_id is not null then 'product_id'
            when several.product_name is null
                then case when names_with_one_id.product_id is null then 'name' else 'product_id_of_name' end
            else 'name_and_size'
        end as identified_by,
        listings.first_listed_on,
        listings.last_listed_on,
        listings.days,
        listings.first_sized_on
    from listings
    left join names_with_several_prices as several
        on
            listings.data_origin = several.data_origin
            and listings.retailer = several.retailer
            and listings.item_number = several.item_number
            and listings.product_name = several.product_name
    left join names_with_one_id
        on
            listings.data_origin = names_with_one_id.data_origin
            and listings.retailer = names_with_one_id.retailer
            and listings.item_number = names_with_one_id.item_number
            and listings.product_name = names_with_one_id.product_name

),

product_sizes as (

    select
        *,
        min(first_sized_on) over (partition by data_origin, retailer, item_number, product) as product_sized_from,
        min(first_sized_on) over (partition by data_origin, item_number) as item_sized_from
    from keyed

),

-- A listing that comes later has no part in the pack size: nothing that depends on `sized_from` is stale because of it.
final as (

    select
        listing_id,
        data_origin,
        retailer,
        item_number,
        product_id,
        product_name,
        size_class,
        product,
        identified_by,
        first_listed_on,
        last_listed_on,
        days,
        {% for column in ['sized_from', 'item_sized_from'] -%}
        case
            when first_sized_on <= product_sized_from + {{ sized_after_days }}
                then {{ 'product_' if column == 'sized_from' }}{{ column }}
        end as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from product_sizes

)

select * from final
