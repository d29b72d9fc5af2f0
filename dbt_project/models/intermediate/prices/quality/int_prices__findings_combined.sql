{# Advice by kind of finding, for findings without their own advice. Every kind is listed. #}
{% set what_to_do = {
    'outage': 'Look at the run log and start the run again today; the day stays out of the indices.',
    'gap': 'Start the run by hand if the day is not over; the day stays out of the indices.',
    'run_cut_short': 'Start the run again today: later runs complete earlier ones of the day.',
    'run_not_finished': 'Read the finish reason; raise the request budget or start the run again.',
    'rows_quarantined': 'Look at the rows in ops.quarantine; mend the extractor and reparse, or accept the loss.',
    'no_products': 'Open the shelf in the shop: if it moved, change the retailer file; if the shop gave it up, close the item there.',
    'too_few': 'Compare with the shop. If the count is right, record a decision to keep it, or set the expected count.',
    'too_many': 'See whether the shelf returns other products. If the count is right, record a decision to keep it, or set the expected count.',
    'fewer_products': 'Compare with the shop; if the range shrank nothing is to be done, if pages are missing run again.',
    'more_products': 'Compare with the shop; if other shelves came in, record a decision to drop them.',
    'shelf_missing': 'Open the shelf in the shop; if it moved, change the retailer file.',
    'category_renamed': 'Confirm the new name in the shop and change the retailer file.',
    'category_missing': 'Look for the shelf in the shop under another name; change the retailer file.',
    'category_failed': 'Look at the kept page; mend the selectors and reparse.',
    'category_empty': 'Open the shelf in the shop; if it is really empty nothing is to be done.',
    'category_unknown': 'Decide whether the shelf belongs to an item; if so, add it to the retailer file.',
    'parse_failures': 'Look at the kept page; mend the selectors and reparse.',
    'outside_hours': 'See why the run was late; prices may differ from those of the usual hour.',
    'robots_not_obeyed': 'Check that the written reason still holds.',
    'unit_price_coverage': 'Look at the kept page: the shop may show unit prices elsewhere. Mend the selector and reparse.',
    'product_id_coverage': 'Look at the kept page: without ids products are told apart by name. Mend the selector and reparse.',
    'promotion_coverage': 'Look at a page: offers may have ended, or are shown elsewhere.',
    'many_new_products': 'See whether the products were renamed; new names break the matched series.',
    'many_lost_products': 'See whether the products were renamed or the run ended early.',
    'repeated_listings': 'See whether the shop repeats pages; the prices are not affected, each product counts once.',
    'ambiguous_prices': 'See which price holds; record a correction with the price, or let them stay out.',
    'stale_copy': 'Compare a few prices with the shop; if the copy is stale, record a decision to drop the days.',
    'price_in_pence': 'Confirm in the shop; record a correction with the factor, or let the quotes stay out.',
    'wrong_unit': 'Confirm in the shop; prices are not affected, pack sizes are. Mend the extractor and reparse.',
    'price_error': 'Confirm in the shop; record a decision to keep or correct it, or let the quotes stay out.',
    'unknown_item': 'Add the item to the seeds with class and weight, or re-map the quotes.',
    'quotes_excluded': 'Nothing, unless they are many; a decision to keep lets one in.',
    'price_relative': 'Confirm in the shop; record a decision to drop or correct it if it is wrong. Until then it enters.',
    'price_change': 'Look at it if the item moved much; it enters.',
    'shrinking_pack': 'Confirm the sizes; the price per unit rose though the price did not.',
} %}

with findings as (

    select * from {{ ref('int_prices__collection_findings_raised') }}
    union all
    select * from {{ ref('int_prices__item_day_findings_raised') }}
    union all
    select * from {{ ref('int_prices__shelf_findings_raised') }}
    union all
    select * from {{ ref('int_prices__price_findings_raised') }}
    union all
    select * from {{ ref('int_prices__scrape_findings_raised') }}

),

final as (

    select
        md5(concat_ws(
            chr(31), findings.data_origin, findings.collected_on, findings.retailer, coalesce(findings.item_number, 0),
            coalesce(findings.category, ''), coalesce(findings.product, ''), findings.kind, findings.evidence
        )) as finding_id,
        findings.data_origin,
        findings.collected_on,
        findings.retailer,
        findings.item_number,
        items.item_name,
        findings.category,
        findings.product,
        findings.kind,
        findings.severity,
        findings.observed,
        findings.expected,
        findings.evidence,
        coalesce(
            findings.suggestion,
            case findings.kind
                {% for kind, advice in what_to_do.items() -%}
                when '{{ kind }}' then '{{ advice }}'
                {% endfor %}
            end
        ) as suggestion,
        findings.suggested_value
    from findings
    left join {{ ref('items') }} as items
        on findings.item_number = items.item_number

)

select * from final
