{{ config(materialized='by_day', indexes=[{'columns': ['collected_on']}]) }}

{#
    Parameters of the comparison. The usual count is the median of other days that enter: of the same weekday
    within 8 weeks either side, of the nearest 28 days, or of the nearest 7, whichever is nearest to the count:
    a weekday's habit is no fault, nor is a level that has lasted. Each needs 4 days.
#}
{% set days_either_side = 56 %}
{% set bases = [('same_weekday', 'is_same_weekday'), ('nearest_28_days', 'place <= 28'), ('nearest_7_days', 'place <= 7')] %}
{% set least_days = 4 %}
{# A weekday has a pattern only where so many of its days are this near to their median. #}
{% set habit_share = 0.75 %}
{% set near = 0.7 %}
{% set shares = [
    ('unit_price_share', 0.5), ('promotion_share', 0.5), ('product_id_share', 0.5), ('ambiguous_share', 0.5),
    ('new_share', 0.5), ('lost_share', 0.5), ('repeated_share', 0.9),
] %}

with days as (

    select
        counts.data_origin,
        counts.collected_on,
        counts.retailer,
        counts.item_number,
        counts.products,
        counts.expected_products,
        counts.status,
        counts.reason,
        counts.decision_id,
        counts.enters,
        profiled.unit_price_share,
        profiled.promotion_share,
        profiled.product_id_share,
        profiled.repeated_share,
        profiled.ambiguous_share,
        profiled.out_of_stock_share,
        profiled.new_products,
        profiled.lost_products,
        profiled.new_share,
        profiled.lost_share,
        profiled.price_changes
    from {{ ref('int_prices__quote_counts_judged') }} as counts
    left join {{ ref('int_prices__item_days_profiled') }} as profiled
        on
            counts.data_origin = profiled.data_origin
            and counts.retailer = profiled.retailer
            and counts.item_number = profiled.item_number
            and counts.collected_on = profiled.collected_on
    where {{ in_stale_days('counts.collected_on') }}

),

compared as (

    select
        days.*,
        history.*
    from days
    cross join lateral (
        select
            least(count(*), 28)::integer as history_days,
            {% for basis, which in bases %}
            array_agg(products) filter (where {{ which }}) as {{ basis }},
            {% endfor %}
            {% for share, quantile in shares %}
            percentile_cont({{ quantile }}) within group (order by {{ share }}) filter (where place <= 28)
                as usual_{{ share }}{{ ',' if not loop.last }}
            {% endfor %}
        from (
            select
                history.*,
                extract(isodow from history.collected_on) = extract(isodow from days.collected_on) as is_same_weekday,
                row_number() over (
                    order by abs(history.collected_on - days.collected_on), history.collected_on
                ) as place
            from {{ ref('int_prices__item_days_profiled') }} as history
            where
                -- of all days for which this is built; the next bounds are those of the day
                {{ in_view('history.collected_on', 'int_prices__item_days_profiled', days_either_side, days_either_side) }}
                and history.data_origin = days.data_origin
                and history.retailer = days.retailer
                and history.item_number = days.item_number
                and history.collected_on <> days.collected_on
                and history.collected_on between
                days.collected_on - {{ days_either_side }} and days.collected_on + {{ days_either_side }}
                and history.enters
        ) as placed
    ) as history

),

usual as (

    select
        compared.*,
        nearest.*
    from compared
    left join lateral (
        select
            spread.basis as usual_basis,
            spread.median as usual_products,
            spread.mad as products_mad,
            -- small shelves vary by a product or two: the spread is at least that of chance
            (compared.products - spread.median)
            / greatest(1.4826 * spread.mad, 0.75 * sqrt(spread.median), 1) as robust_z
        from (
            select
                medians.basis,
                medians.median,
                (
                    select percentile_cont(0.5) within group (order by abs(counted.products - medians.median))
                    from unnest(medians.counts) as counted (products)
                ) as mad
            from (
                select
                    bases.basis,
                    bases.counts,
                    (
                        select percentile_cont(0.5) within group (order by counted.products)
                        from unnest(bases.counts) as counted (products)
                    ) as median
                from (
                    values
                    {% for basis, _ in bases %}
                    ('{{ basis }}', compared.{{ basis }}){{ ',' if not loop.last }}
                    {% endfor %}
                ) as bases (basis, counts)
                where cardinality(bases.counts) >= {{ least_days }}
            ) as medians
        ) as spread
        where
            compared.status not in ('gap', 'outage')
            and (
                spread.basis <> 'same_weekday'
                or (
                    select avg((counted.products between {{ near }} * spread.median and spread.median / {{ near }})::integer)
                    from unnest(compared.same_weekday) as counted (products)
                ) >= {{ habit_share }}
            )
        order by
            abs(compared.products - spread.median)
            / greatest(1.4826 * spread.mad, 0.75 * sqrt(spread.median), 1),
            spread.basis
        limit 1
    ) as nearest on true

),

final as (

    select
        data_origin,
        collected_on,
        retailer,
        item_number,
        products,
        expected_products,
        status,
        reason,
        decision_id,
        enters,
        history_days,
        usual_basis,
        usual_products,
        products_mad,
        robust_z,
        unit_price_share,
        usual_unit_price_share,
        promotion_share,
        usual_promotion_share,
        product_id_share,
        usual_product_id_share,
        repeated_share,
        usual_repeated_share,
        ambiguous_share,
        usual_ambiguous_share,
        out_of_stock_share,
        new_products,
        new_share,
        usual_new_share,
        lost_products,
        lost_share,
        usual_lost_share,
        price_changes
    from usual

)

select * from final
