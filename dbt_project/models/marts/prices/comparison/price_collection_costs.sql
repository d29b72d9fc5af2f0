with days as (

    select
        data_origin,
        retailer,
        count(*) as days,
        count(*) filter (where status = 'collected') as days_collected,
        count(*) filter (where status = 'outage') as days_outage,
        count(*) filter (where status = 'gap') as days_gap,
        count(*) filter (where status = 'frozen') as days_frozen,
        sum(runs) as runs,
        sum(rows_in) as rows_in,
        sum(quarantined) as quarantined
    from {{ ref('int_prices__collection_days_classified') }}
    group by data_origin, retailer

),

-- Expected quotes: the expected products of each day, or the observed products where no number is expected.
quotes as (

    select
        data_origin,
        retailer,
        sum(products) as quotes,
        sum(coalesce(expected_products, products)) as expected_quotes,
        {% for loss, which in [
            ('outage', "status = 'outage'"),
            ('gap', "status = 'gap'"),
            ('missing', "status = 'missing'"),
            ('rejected', "status in ('too_few', 'too_many', 'frozen') and not enters"),
        ] %}
        coalesce(sum(coalesce(expected_products, products)) filter (where {{ which }}), 0)
            as lost_{{ loss }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_prices__quote_counts_judged') }}
    group by data_origin, retailer

),

accepted as (

    select
        data_origin,
        retailer,
        sum(quotes)::bigint as quotes
    from {{ ref('int_prices__item_days_accepted') }}
    group by data_origin, retailer

),

excluded as (

    select
        data_origin,
        retailer,
        count(*) as quotes
    from {{ ref('int_prices__quotes_excluded') }}
    group by data_origin, retailer

),

scrapes as (

    select
        data_origin,
        retailer,
        count(*) as scrape_runs,
        sum(requests) as requests,
        sum(bytes_received) as bytes_received,
        sum(rows) as scraped_rows,
        sum(extract(epoch from finished_at - started_at)) / 60 as minutes
    from {{ ref('stg_prices__scrape_runs') }}
    group by data_origin, retailer

),

final as (

    select
        days.data_origin,
        days.retailer,
        days.days::integer as days,
        days.days_collected::integer as days_collected,
        days.days_outage::integer as days_outage,
        days.days_gap::integer as days_gap,
        days.days_frozen::integer as days_frozen,
        days.runs::integer as runs,
        days.rows_in::bigint as rows_in,
        days.quarantined::bigint as quarantined,
        coalesce(quotes.quotes, 0)::bigint as quotes,
        coalesce(accepted.quotes, 0) as quotes_accepted,
        quotes.expected_quotes::double precision as expected_quotes,
        (quotes.lost_outage / nullif(quotes.expected_quotes, 0))::double precision as share_lost_to_outages,
        (quotes.lost_gap / nullif(quotes.expected_quotes, 0))::double precision as share_lost_to_gaps,
        (quotes.lost_missing / nullif(quotes.expected_quotes, 0))::double precision as share_lost_to_missing_items,
        (quotes.lost_rejected / nullif(quotes.expected_quotes, 0))::double precision as share_lost_to_rejected_counts,
        (coalesce(excluded.quotes, 0) / nullif(quotes.expected_quotes, 0))::double precision
            as share_lost_to_excluded_quotes,
        scrapes.scrape_runs::integer as scrape_runs,
        scrapes.requests::bigint as requests,
        scrapes.bytes_received::bigint as bytes_received,
        scrapes.minutes::double precision as minutes,
        (scrapes.scraped_rows / nullif(scrapes.requests, 0)::double precision) as quotes_per_request,
        (scrapes.scraped_rows / nullif(scrapes.minutes, 0))::double precision as quotes_per_minute,
        case
            when scrapes.scrape_runs is null then 'no run of our scraper: the archive has no record of its requests'
            when scrapes.requests = 0 then 'no request was made'
            when scrapes.minutes = 0 then 'the runs took no time'
        end as cost_reason
    from days
    left join quotes
        on days.data_origin = quotes.data_origin and days.retailer = quotes.retailer
    left join accepted
        on days.data_origin = accepted.data_origin and days.retailer = accepted.retailer
    left join excluded
        on days.data_origin = excluded.data_origin and days.retailer = excluded.retailer
    left join scrapes
        on days.data_origin = scrapes.data_origin and days.retailer = scrapes.retailer

)

select * from final
