-- Findings from the records of the scraper: shelves that are missing, unknown, failed or renamed, and its conduct.
-- depends_on: {{ source('analysis', 'aggregate_price_indices') }}
{% set least_overlap = 0.3 %}
{% set failures_share = 0.05 %}
{# A renamed shelf is looked for among the names of the item over so many days. #}
{% set names_days = 14 %}

with runs as (

    select * from {{ ref('stg_prices__scrape_runs') }}

),

last_runs as (

    select distinct on (data_origin, retailer, collected_on) *
    from runs
    order by data_origin asc, retailer asc, collected_on asc, run_id desc

),

-- Missing and unknown shelves are those of the last run that read the navigation of the shop.
navigated as (

    select
        data_origin,
        retailer,
        collected_on,
        max(run_id) as run_id
    from {{ ref('stg_prices__scrape_categories') }}
    where state <> 'failed'
    group by data_origin, retailer, collected_on

),

-- A later run of the day completes an earlier one: the last record of each shelf counts.
categories as (

    select distinct on (data_origin, retailer, collected_on, category, coalesce(item_number, 0)) shelves.*
    from {{ ref('stg_prices__scrape_categories') }} as shelves
    left join navigated using (data_origin, retailer, collected_on)
    where shelves.state not in ('missing', 'unknown') or shelves.run_id = navigated.run_id
    order by
        data_origin asc, retailer asc, collected_on asc, category asc, coalesce(item_number, 0) asc, shelves.run_id desc

),

missing as (

    select * from categories
    where state = 'missing' and item_number is not null

),

unknown as (

    select
        *,
        (select array_agg(distinct upper(trim(names.name))) from unnest(product_names) as names (name)) as names
    from categories
    where state = 'unknown' and cardinality(product_names) > 0

),

-- The names of the item before the shelf went, as far back as needed.
item_names as (

    select distinct
        missing.data_origin,
        missing.retailer,
        missing.item_number,
        missing.collected_on,
        missing.category,
        upper(quotes.product_name) as product_name
    from missing
    inner join {{ ref('stg_prices__quotes') }} as quotes
        on
            missing.data_origin = quotes.data_origin
            and missing.retailer = quotes.retailer
            and missing.item_number = quotes.item_number
            and missing.collected_on > quotes.collected_on
            and missing.collected_on - {{ names_days }} <= quotes.collected_on

),

compared as (

    select
        missing.data_origin,
        missing.retailer,
        missing.item_number,
        missing.collected_on,
        missing.category,
        unknown.category as new_category,
        cardinality(unknown.names) as new_products,
        (
            select count(*)
            from item_names
            where
                item_names.data_origin = missing.data_origin
                and item_names.retailer = missing.retailer
                and item_names.item_number = missing.item_number
                and item_names.collected_on = missing.collected_on
                and item_names.category = missing.category
                and item_names.product_name = any(unknown.names)
        ) as shared_products
    from missing
    inner join unknown
        on
            missing.data_origin = unknown.data_origin
            and missing.retailer = unknown.retailer
            and missing.collected_on = unknown.collected_on

),

renamed as (

    select distinct on (data_origin, retailer, item_number, collected_on, category)
        *,
        shared_products::double precision / new_products as overlap
    from compared
    where shared_products >= {{ least_overlap }} * new_products
    order by
        data_origin, retailer, item_number, collected_on, category,
        shared_products::double precision / new_products desc, new_category

),

final as (

    select
        {{ finding("'category_' || state",
            "case state
                when 'missing' then 'the shelf is in the retailer file but not in the shop'
                when 'unknown' then 'the shelf is in the shop but not in the retailer file'
                when 'empty' then 'the shelf has no product'
                else 'the shelf could not be read'
            end || coalesce(': ' || reason, '')",
            item_number='item_number', category='category', observed='products_parsed') }}
    from categories
    where state in ('missing', 'unknown', 'empty', 'failed')
    union all
    select
        {{ finding("'category_renamed'",
            "'the shop has no such shelf, but one called ' || new_category || ': ' || shared_products || ' of the '
                || new_products || ' products on its first page are the item''s'",
            item_number='item_number', category='category', observed='overlap',
            suggestion="'If they are one shelf, put ' || new_category || ' in the place of ' || category || ' for item '
                || item_number || ' in the retailer file. Nothing is changed until then.'",
            suggested_value='new_category') }}
    from renamed
    union all
    select
        {{ finding("'parse_failures'",
            "parse_failures || ' of ' || products_listed || ' products could not be read' || coalesce(': ' || reason, '')",
            is_minor="parse_failures < " ~ failures_share ~ " * products_listed",
            item_number='item_number', category='category', observed='parse_failures', expected='0') }}
    from categories
    where parse_failures > 0 and state = 'collected'
    union all
    select
        {{ finding("'outside_hours'", "'a response came outside the hours of the retailer file; the run began at '
            || to_char(started_at at time zone 'Europe/London', 'YYYY-MM-DD HH24:MI') || ' in London'") }}
    from runs
    where not within_allowed_hours
    union all
    select distinct
        {{ finding("'robots_not_obeyed'", "'a run did not obey robots.txt; its reason stands in the retailer file'") }}
    from runs
    where not robots_obeyed
    union all
    select
        {{ finding("'run_not_finished'", "'the run ended with ' || finish_reason || ' after ' || requests || ' requests'",
            observed='requests', expected='budget_requests') }}
    from last_runs
    where finish_reason <> 'finished'

)

select * from final
