-- Findings on an item of a retailer on a day, compared with its past: one row per retailer, item, day and kind.
{#
    Least distance of a count or share from its usual value. Small numbers of products are never a finding.
#}
{% set fewer = 0.7 %}
{% set robust_z = 3 %}
{% set coverage_fall = 0.2 %}
{% set churn = 0.3 %}
{% set repeated_rise = 0.3 %}
{% set ambiguous_rise = 0.2 %}
{% set least_products = 5 %}
{% set least_churn = 10 %}
{#
    A copy is stale where the prices of an item move on most days, and on at least `least_moving_days`, and then stay
    unchanged for a time with a probability below `stale_chance`, and longer than twice the longest other such time.
#}
{% set stale_days = 3 %}
{% set stale_chance = 0.01 %}
{% set least_moving_days = 5 %}

with days as (

    select
        *,
        case usual_basis
            when 'same_weekday' then 'on ' || trim(to_char(collected_on, 'Day')) || 's'
            when 'nearest_28_days' then 'within four weeks'
            else 'within the week'
        end as among
    from {{ ref('int_prices__item_days_compared') }}

),

final as (

    select
        {{ finding("case status when 'missing' then 'no_products' else status end", "reason",
            item_number='item_number', observed='products', expected='expected_products') }}
    from days
    where status in ('missing', 'too_few', 'too_many', 'gap', 'outage')
    union all
    select
        {{ finding("case when robust_z < 0 then 'fewer_products' else 'more_products' end",
            "products || ' products where ' || " ~ plain_number('usual_products') ~ " || ' are usual '
                || among || ' (robust z ' || " ~ plain_number('robust_z') ~ " || ')'",
            item_number='item_number', observed='products', expected='usual_products') }}
    from days
    where
        status in ('accepted', 'unjudged')
        and abs(robust_z) > {{ robust_z }}
        and (products < {{ fewer }} * usual_products or products > usual_products / {{ fewer }})
    union all
    {% for kind, share, words in [
        ('unit_price_coverage', 'unit_price_share', 'a unit price'),
        ('product_id_coverage', 'product_id_share', 'a product id'),
    ] %}
    select
        {{ finding("'" ~ kind ~ "'",
            per_cent(share) ~ " || ' of the products have " ~ words ~ " where ' || " ~ per_cent('usual_' ~ share)
                ~ " || ' usually have'",
            item_number='item_number', observed=share, expected='usual_' ~ share) }}
    from days
    where
        usual_{{ share }} - {{ share }} > {{ coverage_fall }}
        and (usual_{{ share }} - {{ share }}) * products >= {{ least_products }}
    union all
    {% endfor %}
    select
        {{ finding("'promotion_coverage'",
            "'no product has an offer where ' || " ~ per_cent('usual_promotion_share') ~ " || ' usually have'",
            is_minor='true', item_number='item_number', observed='promotion_share', expected='usual_promotion_share') }}
    from days
    where promotion_share = 0 and usual_promotion_share * products >= {{ least_products }}
    union all
    {% for kind, which, words in [
        ('many_new_products', 'new', 'of the products were never seen before'),
        ('many_lost_products', 'lost', 'of the products of the last day are gone'),
    ] %}
    select
        {{ finding("'" ~ kind ~ "'",
            which ~ "_products || ' products, ' || " ~ per_cent(which ~ '_share') ~ " || ', " ~ words
                ~ "; usual are ' || " ~ per_cent('usual_' ~ which ~ '_share'),
            is_minor=which ~ "_products < " ~ least_churn,
            item_number='item_number', observed=which ~ '_share', expected='usual_' ~ which ~ '_share') }}
    from days
    where
        {{ which }}_share > usual_{{ which }}_share + {{ churn }}
        and {{ which }}_products >= {{ least_products }}
        and history_days >= 4
    union all
    {% endfor %}
    select
        {{ finding("'repeated_listings'",
            per_cent('repeated_share') ~ " || ' of the products are listed several times in one run; usual are ' || "
                ~ per_cent('usual_repeated_share'),
            item_number='item_number', observed='repeated_share', expected='usual_repeated_share') }}
    from days
    where
        repeated_share > usual_repeated_share + {{ repeated_rise }}
        and (repeated_share - usual_repeated_share) * products >= {{ least_products }}
    union all
    select
        {{ finding("'ambiguous_prices'",
            per_cent('ambiguous_share') ~ " || ' of the products have several prices in one run; usual are ' || "
                ~ per_cent('usual_ambiguous_share'),
            item_number='item_number', observed='ambiguous_share', expected='usual_ambiguous_share') }}
    from days
    where
        ambiguous_share > usual_ambiguous_share + {{ ambiguous_rise }}
        and (ambiguous_share - usual_ambiguous_share) * products >= {{ least_products }}
    union all
    select
        {{ finding("'stale_copy'",
            "'the same products at the same prices for ' || unchanged_days || ' days in a row; elsewhere prices stand still for '
                || longest_elsewhere_days || ' days at most, and ' || " ~ per_cent('unchanged_share_elsewhere')
                ~ " || ' of the days are without a change'",
            item_number='item_number', observed='unchanged_days', expected='longest_elsewhere_days') }}
    from days
    where
        unchanged_days >= {{ stale_days }}
        and unchanged_days > 2 * longest_elsewhere_days
        and moving_days >= {{ least_moving_days }}
        and unchanged_share_elsewhere <= 0.5
        and power(unchanged_share_elsewhere, unchanged_days) < {{ stale_chance }}

)

select * from final
