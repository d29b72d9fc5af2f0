-- Findings on shelves: missing while the item has products on other shelves, or renamed.
{% set least_days = 7 %}
{% set least_listings = 5 %}
{% set least_presence = 0.75 %}
{# Days for which a missing shelf is reported; after that it counts as given up. #}
{% set given_up_days = 14 %}

with item_days as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on
    from {{ ref('int_prices__quote_counts_judged') }}
    where enters and products > 0

),

-- Days on which a shelf returned the whole shop are not part of its usual counts.
shelf_days as (

    select shelf_days.*
    from {{ ref('int_prices__shelf_days_counted') }} as shelf_days
    inner join item_days
        on
            shelf_days.data_origin = item_days.data_origin
            and shelf_days.retailer = item_days.retailer
            and shelf_days.item_number = item_days.item_number
            and shelf_days.collected_on = item_days.collected_on

),

shelves as (

    select
        data_origin,
        retailer,
        item_number,
        category,
        min(collected_on) as first_on,
        max(collected_on) as last_on,
        count(*) as days,
        percentile_cont(0.5) within group (order by listings) as usual_listings
    from shelf_days
    group by data_origin, retailer, item_number, category

),

expected as (

    select
        item_days.data_origin,
        item_days.retailer,
        item_days.item_number,
        item_days.collected_on,
        shelves.category,
        shelves.usual_listings,
        shelves.days,
        shelf_days.listings,
        count(*) filter (where item_days.collected_on <= shelves.last_on) over (
            partition by item_days.data_origin, item_days.retailer, item_days.item_number, shelves.category
        ) as days_in_use
    from item_days
    inner join shelves
        on
            item_days.data_origin = shelves.data_origin
            and item_days.retailer = shelves.retailer
            and item_days.item_number = shelves.item_number
            and item_days.collected_on >= shelves.first_on
            and item_days.collected_on <= shelves.last_on + {{ given_up_days }}
    left join shelf_days
        on
            item_days.data_origin = shelf_days.data_origin
            and item_days.retailer = shelf_days.retailer
            and item_days.item_number = shelf_days.item_number
            and item_days.collected_on = shelf_days.collected_on
            and shelves.category = shelf_days.category
    where shelves.days >= {{ least_days }} and shelves.usual_listings >= {{ least_listings }}

),

replaced as (

    select * from {{ ref('int_prices__shelves_replaced') }}

),

missing as (

    select expected.*
    from expected
    left join replaced
        on
            expected.data_origin = replaced.data_origin
            and expected.retailer = replaced.retailer
            and expected.item_number = replaced.item_number
            and expected.category = replaced.old_category
            and expected.collected_on >= replaced.new_first_on
    where
        expected.listings is null
        and expected.days >= {{ least_presence }} * expected.days_in_use
        and replaced.old_category is null

),

renamed as (

    select
        *,
        new_first_on as collected_on
    from replaced

),

final as (

    select
        {{ finding("'shelf_missing'",
            "'no product on a shelf where ' || " ~ plain_number('usual_listings') ~ " || ' are usual, while the item has others'",
            item_number='item_number', category='category', observed='0', expected='usual_listings') }}
    from missing
    union all
    select
        -- minor: quotes come from the new shelf already, so the retailer file names it
        {{ finding("'category_renamed'",
            "'last seen on ' || old_last_on || '; the shelf ' || new_category || ' began on ' || new_first_on || ' and has '
                || shared_products || ' of its ' || old_products || ' products'",
            is_minor='true', item_number='item_number', category='old_category', observed='overlap',
            suggestion="'If they are one shelf, see that the retailer file has only ' || new_category || ' for item '
                || item_number || ', and no longer ' || old_category || '.'",
            suggested_value='new_category') }}
    from renamed

)

select * from final
