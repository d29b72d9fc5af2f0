{{ config(materialized='by_day', indexes=[{'columns': ['collected_on']}]) }}

{#
    Parameters of the comparison. The usual count is the median of other days that enter: of the same weekday
    within 8 weeks either side, of the nearest 28 days, or of the nearest 7, whichever is nearest to the count:
    a weekday's habit is no fault, nor is a level that has lasted. Each needs 4 days.
#}
{% set days_either_side = 56 %}
{% set nearest_days = 28 %}
{% set bases = ['same_weekday', 'nearest_28_days', 'nearest_7_days'] %}
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

-- For each day two walks along the index, to the nearest 28 days of both sides, and one to the days of its weekday.
compared as (

    select
        days.*,
        history.*,
        weekdays.*
    from days
    cross join lateral (
        select
            count(*)::integer as history_days,
            array_agg(products) as nearest_28_days,
            array_agg(products) filter (where place <= 7) as nearest_7_days,
            {% for share, quantile in shares %}
            percentile_cont({{ quantile }}) within group (order by {{ share }}) as usual_{{ share }}{{ ',' if not loop.last }}
            {% endfor %}
        from (
            select
                both_sides.*,
                row_number() over (order by both_sides.distance_days, both_sides.history_on) as place
            from (
                {% for side, order in [('<', 'desc'), ('>', 'asc')] %}
                (
                    select
                        history.collected_on as history_on,
                        abs(history.collected_on - days.collected_on) as distance_days,
                        history.products,
                        {% for share, _ in shares %}
                        history.{{ share }}{{ ',' if not loop.last }}
                        {% endfor %}
                    from {{ ref('int_prices__item_days_profiled') }} as history
                    where
                        history.data_origin = days.data_origin
                        and history.retailer = days.retailer
                        and history.item_number = days.item_number
                        and history.collected_on {{ side }} days.collected_on
                        and history.collected_on >= days.collected_on - {{ days_either_side }}
                        and history.collected_on <= days.collected_on + {{ days_either_side }}
                        and history.enters
                    order by history.collected_on {{ order }}
                    limit {{ nearest_days }}
                )
                {{ 'union all' if not loop.last }}
                {% endfor %}
            ) as both_sides
            order by both_sides.distance_days, both_sides.history_on
            limit {{ nearest_days }}
        ) as placed
    ) as history
    cross join lateral (
        select array_agg(history.products) as same_weekday
        from {{ ref('int_prices__item_days_profiled') }} as history
        where
            history.data_origin = days.data_origin
            and history.retailer = days.retailer
            and history.item_number = days.item_number
            and history.collected_on in (
                {%- for weeks in range(1, days_either_side // 7 + 1) -%}
                days.collected_on - {{ 7 * weeks }}, days.collected_on + {{ 7 * weeks }}{{ ', ' if not loop.last }}
                {%- endfor -%}
            )
            and history.enters
    ) as weekdays

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
                    {% for basis in bases %}
                    ('{{ basis }}', compared.{{ basis }}){{ ',' if not loop.last }}
                    {% endfor %}
                ) as bases (basis, counts)
                where cardinality(bases.counts) >= {{ least_days }}
                -- not merged with the queries around it, which would compute the median wherever they use it
                offset 0  -- noqa: AM09
            ) as medians
            offset 0  -- noqa: AM09
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
