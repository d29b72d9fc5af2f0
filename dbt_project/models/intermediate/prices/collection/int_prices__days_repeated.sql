{#
    A shop stands still where runs repeat those of the day before, products, prices and order alike, at least
    `least_repeats` times in a row, and that is no habit: fewer than `habit` other standstills within half a year were
    longer than half of it. It is frozen where chance would bring that with a probability below `frozen_chance`.
#}
{% set least_repeats = 2 %}
{% set frozen_chance = 0.01 %}
{% set habit = 2 %}
{# Share of listings that change a day (price, place or presence) at a shop of which nothing is known. #}
{% set usual_change = 0.01 %}
{% set half_a_year = "interval '6 months'" %}

with days as (

    select
        data_origin,
        retailer,
        collected_on,
        array_agg(distinct sequence_md5) as sequences,
        max(listings) as listings
    from {{ ref('int_prices__quote_sequences_hashed') }}
    group by data_origin, retailer, collected_on

),

compared as (

    select
        *,
        -- every run of the day repeats one of the day before
        coalesce(sequences <@ lag(sequences) over shop_days, false) as is_repeat
    from days
    window shop_days as (partition by data_origin, retailer order by collected_on)

),

numbered as (

    select
        *,
        sum((not is_repeat)::integer) over (
            partition by data_origin, retailer order by collected_on
        ) as standstill
    from compared

),

-- A day that repeats nothing, and the days after it that repeat it.
standstills as (

    select
        data_origin,
        retailer,
        standstill,
        min(collected_on) as since,
        max(collected_on) as until,
        count(*) - 1 as repeats,
        max(listings) as listings
    from numbered
    group by data_origin, retailer, standstill

),

judged as (

    select
        longer.*,
        others.changes,
        others.standstills,
        -- a change of the shop is as likely as at other times, at first as at any shop of its size
        power(
            (others.standstills + exp(
                -{{ usual_change }} * longer.listings * (longer.until - longer.since) / longer.repeats::double precision
            ))
            / (others.standstills + others.changes + 1),
            longer.repeats
        ) as chance,
        others.as_long
    from standstills as longer
    cross join lateral (
        select
            -- the first day of the series follows none and is no change
            count(*) filter (where nearby.standstill > 1) as changes,
            count(*) filter (where nearby.repeats > 0 and nearby.standstill <> longer.standstill) as standstills,
            count(*) filter (where 2 * nearby.repeats > longer.repeats and nearby.standstill <> longer.standstill)
                as as_long
        from standstills as nearby
        where
            nearby.data_origin = longer.data_origin
            and nearby.retailer = longer.retailer
            and nearby.since >= longer.since - {{ half_a_year }}
            and nearby.since <= longer.until + {{ half_a_year }}
    ) as others
    where longer.repeats >= {{ least_repeats }}

),

final as (

    select
        numbered.data_origin,
        numbered.retailer,
        numbered.collected_on,
        judged.since as repeats_day,
        judged.repeats::integer as repeats,
        judged.chance,
        judged.chance < {{ frozen_chance }} as is_frozen,
        'the ' || numbered.listings || ' listings of ' || judged.since || ' in the same order at the same prices on the next '
        || judged.repeats || ' days of collection' as evidence
    from numbered
    inner join judged
        on
            numbered.data_origin = judged.data_origin
            and numbered.retailer = judged.retailer
            and numbered.standstill = judged.standstill
    where numbered.is_repeat and judged.as_long < {{ habit }}

)

select * from final
