-- On every retailer-item-day that may enter an index, the products found are those accepted and those excluded. On
-- other days only quotes kept by an analyst are accepted or excluded. By the item under which they were collected: a quote
-- that an analyst re-mapped enters another one.
{{ config(meta={'dagster': {'ref': {'name': 'int_prices__quotes_accepted'}}}) }}

{% set days = in_unchecked_days('collected_on', ref('int_prices__quotes_accepted')) %}

with remapped as (

    select * from {{ ref('int_prices__quotes_decided') }}
    where new_item_number <> item_number and {{ days }}

),

accepted_quotes as (

    select * from {{ ref('int_prices__quotes_accepted') }}
    where {{ days }}

),

counts as (

    select * from {{ ref('int_prices__quote_counts_judged') }}
    where {{ days }}

),

quotes as (

    select
        accepted.data_origin,
        accepted.retailer,
        coalesce(remapped.item_number, accepted.item_number) as item_number,
        accepted.collected_on
    from accepted_quotes as accepted
    left join remapped
        on
            accepted.data_origin = remapped.data_origin
            and accepted.retailer = remapped.retailer
            and accepted.item_number = remapped.new_item_number
            and accepted.product = remapped.product
            and accepted.collected_on = remapped.collected_on
            and accepted.decision_id = remapped.decision_id
    union all
    select
        data_origin,
        retailer,
        collected_item_number as item_number,
        collected_on
    from {{ ref('int_prices__quotes_excluded') }}
    where {{ days }}

),

entered as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        count(*) as products
    from quotes
    group by data_origin, retailer, item_number, collected_on

),

kept as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        count(*) as products
    from {{ ref('int_prices__quotes_decided') }}
    where decision = 'keep' and {{ days }}
    group by data_origin, retailer, item_number, collected_on

),

judged as (

    select
        counts.data_origin,
        counts.retailer,
        counts.item_number,
        counts.collected_on,
        case when counts.enters then counts.products else kept.products end as products
    from counts
    left join kept
        on
            counts.data_origin = kept.data_origin
            and counts.retailer = kept.retailer
            and counts.item_number = kept.item_number
            and counts.collected_on = kept.collected_on
    where counts.enters or kept.products is not null

)

select
    data_origin,
    retailer,
    item_number,
    collected_on,
    entered.products as entered,
    judged.products as expected
from entered
full join judged using (data_origin, retailer, item_number, collected_on)
where entered.products is distinct from judged.products
