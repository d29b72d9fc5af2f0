-- Findings on whole runs: one row per retailer, day and kind. The item is null.
{#
    A run is cut short where at least this share of the items, and at least this number, lack products on one day.
#}
{% set cut_short_share = 0.15 %}
{% set cut_short_items = 3 %}
{# Or where it has products of fewer items than this share of the usual number. #}
{% set usual_items_share = 0.8 %}

with days as (

    select * from {{ ref('int_prices__collection_days_classified') }}

),

items as (

    select
        data_origin,
        retailer,
        collected_on,
        count(*) as items,
        count(*) filter (where products > 0) as items_seen,
        count(*) filter (where status in ('missing', 'too_few')) as items_short
    from {{ ref('int_prices__item_days_compared') }}
    where status not in ('gap', 'outage')
    group by data_origin, retailer, collected_on

),

usual as (

    select
        data_origin,
        retailer,
        percentile_cont(0.5) within group (order by items_seen) as items_seen
    from items
    group by data_origin, retailer

),

short as (

    select
        items.*,
        usual.items_seen as usual_items_seen
    from items
    inner join usual
        on
            items.data_origin = usual.data_origin
            and items.retailer = usual.retailer
    where
        (
            items.items_short >= {{ cut_short_items }}
            and items.items_short >= {{ cut_short_share }} * items.items
        )
        or items.items_seen < {{ usual_items_share }} * usual.items_seen

),

promotions as (

    select
        data_origin,
        retailer,
        collected_on,
        sum(promotion_share * products) as quotes,
        sum(usual_promotion_share * products) as usual_quotes
    from {{ ref('int_prices__item_days_compared') }}
    where enters
    group by data_origin, retailer, collected_on

),

final as (

    select
        {{ finding("status", "reason", observed="case when status <> 'frozen' then 0 end") }}
    from days
    where status in ('gap', 'outage', 'frozen')
    union all
    select
        {{ finding("'frozen'", "evidence", is_minor='true') }}
    from {{ ref('int_prices__days_repeated') }}
    where not is_frozen
    union all
    select
        {{ finding("'rows_quarantined'",
            "quarantined || ' of ' || rows_in || ' rows could not be read; ops.quarantine has file, line and reason'",
            observed='quarantined', expected='0') }}
    from days
    where quarantined > 0
    union all
    select
        {{ finding("'run_cut_short'",
            "items_seen || ' items seen where ' || " ~ plain_number('usual_items_seen') ~ " || ' are usual; ' || items_short
                || ' of ' || items || ' have none or too few products'",
            observed='items_seen', expected='usual_items_seen') }}
    from short
    union all
    select
        {{ finding("'promotion_coverage'",
            "'no product of the run has an offer where ' || round(usual_quotes::numeric) || ' usually have'",
            observed='quotes', expected='usual_quotes') }}
    from promotions
    where quotes = 0 and usual_quotes >= 20

)

select * from final
