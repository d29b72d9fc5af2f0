with agreement as (

    select * from {{ source('analysis', 'source_agreement') }}

),

final as (

    select
        agreement.data_origin,
        agreement.source,
        sources.name as source_name,
        sources.kind as source_kind,
        agreement.retailer,
        agreement.days,
        agreement.days_delivered,
        agreement.products,
        agreement.other_products,
        agreement.matched_products,
        agreement.coverage,
        agreement.other_coverage,
        agreement.quotes_covered,
        agreement.compared_quotes,
        agreement.share_equal,
        agreement.median_relative_difference,
        agreement.delivery_delay_days,
        agreement.days_behind,
        agreement.share_equal_at_lag,
        agreement.share_stale,
        agreement.could_replace,
        agreement.reason
    from agreement
    left join {{ ref('price_sources') }} as sources
        on agreement.source = sources.source

)

select * from final
