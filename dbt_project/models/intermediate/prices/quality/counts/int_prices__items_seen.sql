-- Days that later days depend on in a short table: a new day changes no row of it.
select
    data_origin,
    retailer,
    item_number,
    min(listed_on) as first_listed_on,
    min(recorded_on) as first_recorded_on,
    least(min(listed_on), min(recorded_on)) as first_seen_on
from (
    select
        data_origin,
        retailer,
        item_number,
        collected_on as listed_on,
        null::date as recorded_on
    from {{ ref('int_prices__quote_counts') }}
    union all
    select
        data_origin,
        retailer,
        item_number,
        null::date as listed_on,
        collected_on as recorded_on
    from {{ ref('stg_prices__scrape_categories') }}
    where item_number is not null
) as listed_or_recorded
group by data_origin, retailer, item_number
