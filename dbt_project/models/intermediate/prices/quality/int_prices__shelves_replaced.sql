-- Shelves that ended while another of the same item began: possibly the same shelf under another name.
{% set gap_days = 14 %}
{% set least_overlap = 0.3 %}
{% set least_products = 3 %}
{% set least_words = 0.5 %}

with shelf_days as (

    select * from {{ ref('int_prices__shelf_days_counted') }}

),

items as (

    select
        data_origin,
        retailer,
        item_number,
        min(collected_on) as first_on,
        max(collected_on) as last_on
    from shelf_days
    group by data_origin, retailer, item_number

),

shelves as (

    select
        data_origin,
        retailer,
        item_number,
        category,
        min(collected_on) as first_on,
        max(collected_on) as last_on
    from shelf_days
    group by data_origin, retailer, item_number, category

),

pairs as (

    select
        old.data_origin,
        old.retailer,
        old.item_number,
        old.category as old_category,
        old.last_on as old_last_on,
        new.category as new_category,
        new.first_on as new_first_on
    from shelves as old
    inner join shelves as new
        on
            old.data_origin = new.data_origin
            and old.retailer = new.retailer
            and old.item_number = new.item_number
            and old.last_on <= new.first_on
            and old.last_on + {{ gap_days }} >= new.first_on
            and old.category <> new.category
    inner join items
        on
            old.data_origin = items.data_origin
            and old.retailer = items.retailer
            and old.item_number = items.item_number
    where old.last_on < items.last_on and new.first_on > items.first_on and new.last_on > old.last_on

),

-- Only the shelves' names on the last day of the old and the first of the new.
ends as (

    select
        data_origin,
        retailer,
        item_number,
        old_category as category,
        old_last_on as collected_on
    from pairs
    union
    select
        data_origin,
        retailer,
        item_number,
        new_category as category,
        new_first_on as collected_on
    from pairs

),

named as (

    select
        ends.data_origin,
        ends.retailer,
        ends.item_number,
        ends.category,
        ends.collected_on,
        array_agg(distinct quotes.product_name) as names
    from ends
    inner join {{ ref('stg_prices__quotes') }} as quotes
        on
            ends.data_origin = quotes.data_origin
            and ends.retailer = quotes.retailer
            and ends.item_number = quotes.item_number
            and ends.category = quotes.category
            and ends.collected_on = quotes.collected_on
    group by ends.data_origin, ends.retailer, ends.item_number, ends.category, ends.collected_on

),

compared as (

    select
        pairs.*,
        cardinality(old.names) as old_products,
        cardinality(new.names) as new_products,
        (
            select count(*)
            from unnest(old.names) as names (name)
            where names.name = any(new.names)
        ) as shared_products,
        (
            select count(*)
            from (
                select unnest({{ shelf_words('pairs.old_category') }})
                intersect
                select unnest({{ shelf_words('pairs.new_category') }})
            ) as words
        )::double precision
        / least(
            cardinality({{ shelf_words('pairs.old_category') }}), cardinality({{ shelf_words('pairs.new_category') }})
        ) as shared_words
    from pairs
    {% for side, day in [('old', 'old_last_on'), ('new', 'new_first_on')] %}
    inner join named as {{ side }}
        on
            pairs.data_origin = {{ side }}.data_origin
            and pairs.retailer = {{ side }}.retailer
            and pairs.item_number = {{ side }}.item_number
            and pairs.{{ side }}_category = {{ side }}.category
            and pairs.{{ day }} = {{ side }}.collected_on
    {% endfor %}

),

final as (

    -- of several new shelves, the one with most of the products; then the most similar name
    select distinct on (data_origin, retailer, item_number, old_category)
        data_origin,
        retailer,
        item_number,
        old_category,
        old_last_on,
        new_category,
        new_first_on,
        old_products::integer as old_products,
        new_products::integer as new_products,
        shared_products::integer as shared_products,
        shared_products::double precision / least(old_products, new_products) as overlap,
        shared_words
    from compared
    where
        (shared_products >= {{ least_products }}
        and shared_products >= {{ least_overlap }} * least(old_products, new_products))
        or shared_words >= {{ least_words }}
    order by data_origin, retailer, item_number, old_category, shared_products desc, shared_words desc, new_category

)

select * from final
