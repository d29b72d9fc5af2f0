{#
    A shop stands still where runs repeat those of the day before, products, prices and order alike, at least
    `least_repeats` times in a row, and that is no habit: fewer than `habit` other standstills within half a year were
    longer than half of it. It is frozen where chance would bring that with a probability below `frozen_chance`, and where the date
    of the site itself is not later than on the day of the scrape before.
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

-- Others within half a year: changes, standstills, and those among them longer than half of this one. `by_chance`: the
-- probability that a shop of this size, of which nothing is known, repeats a day.
surrounded as (

    select
        longer.*,
        others.*,
        exp(
            -{{ usual_change }} * longer.listings * (longer.until - longer.since) / longer.repeats::double precision
        ) as by_chance
    from standstills as longer
    cross join lateral (
        select
            -- the first day of the series follows none and is no change
            count(*) filter (where nearby.standstill > 1) as changes,
            count(*) filter (where nearby.repeats > 0 and nearby.standstill <> longer.standstill) as others,
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

-- A shorter standstill says little of a large shop, where it is suspicious itself: it counts by `by_chance`.
weighed as (

    select
        *,
        as_long + (others - as_long) * by_chance as standstills
    from surrounded

),

judged as (

    select
        *,
        power((standstills + by_chance) / (standstills + changes + 1), repeats) as chance
    from weighed

),

repeated as (

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

),

site_dates as (

    select
        data_origin,
        retailer,
        collected_on,
        max(site_dated_at) as site_dated_at,
        lag(max(site_dated_at)) over shop_days as dated_before,
        lag(collected_on) over shop_days as day_before
    from {{ ref('stg_prices__scrape_runs') }}
    where site_dated_at is not null
    group by data_origin, retailer, collected_on
    window shop_days as (partition by data_origin, retailer order by collected_on)

),

standing_dates as (

    select
        *,
        'the site''s own date stands still at ' || to_char(site_dated_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        || ' UTC since ' || day_before as evidence
    from site_dates
    where site_dated_at <= dated_before

),

final as (

    select
        coalesce(repeated.data_origin, standing_dates.data_origin) as data_origin,
        coalesce(repeated.retailer, standing_dates.retailer) as retailer,
        coalesce(repeated.collected_on, standing_dates.collected_on) as collected_on,
        coalesce(repeated.repeats_day, standing_dates.day_before) as repeats_day,
        repeated.repeats,
        repeated.chance,
        coalesce(repeated.is_frozen, false) or standing_dates.retailer is not null as is_frozen,
        concat_ws('; ', standing_dates.evidence, repeated.evidence) as evidence
    from repeated
    full join standing_dates
        on
            repeated.data_origin = standing_dates.data_origin
            and repeated.retailer = standing_dates.retailer
            and repeated.collected_on = standing_dates.collected_on

)

select * from final
