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
    union all
    select * from {{ ref('int_prices__short_run_findings_raised') }}
    union all
    select * from {{ ref('int_prices__output_findings_raised') }}

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
        case when findings.is_minor then kinds.minor_severity else kinds.severity end as severity,
        findings.observed,
        findings.expected,
        findings.evidence,
        coalesce(findings.suggestion, kinds.advice) as suggestion,
        findings.suggested_value
    from findings
    left join {{ ref('price_finding_kinds') }} as kinds
        on findings.kind = kinds.kind
    left join {{ ref('items') }} as items
        on findings.item_number = items.item_number

)

select * from final
