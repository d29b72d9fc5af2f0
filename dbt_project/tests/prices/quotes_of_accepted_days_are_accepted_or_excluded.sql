-- On every retailer-item-day that may enter an index, the products found are those accepted and those excluded.
{{ config(meta={'dagster': {'ref': {'name': 'int_prices__quotes_accepted'}}}) }}

with entered as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        count(*) as products
    from (
        select data_origin, retailer, item_number, collected_on from {{ ref('int_prices__quotes_accepted') }}
        union all
        select data_origin, retailer, item_number, collected_on from {{ ref('int_prices__quotes_excluded') }}
    ) as quotes
    group by data_origin, retailer, item_number, collected_on

),

judged as (

    select
        data_origin,
        retailer,
        item_number,
        collected_on,
        products
    from {{ ref('price_quote_counts') }}
    where status in ('accepted', 'unjudged')

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
