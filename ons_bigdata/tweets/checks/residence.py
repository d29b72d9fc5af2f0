"""Checks of residence: little of the time was not collected."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

MOST_OUTAGE_SHARE = 0.1
"""Share of the time of collection without it, above which the adjustment of residence rests on too little."""

_OUTAGE_SHARE = """
with periods as (
    select data_origin, source, min(first_date)::timestamp at time zone 'Europe/London' as begun_at,
        (max(last_date) + 1)::timestamp at time zone 'Europe/London' as ended_at
    from restricted.tweet_users
    group by data_origin, source
),

gaps as (
    select data_origin, source, range_agg(tstzrange(from_utc, to_utc)) as lost
    from intermediate.int_tweets__collection_gaps_united
    group by data_origin, source
),

shares as (
    select data_origin, source,
        (
            select sum(extract(epoch from upper(gap) - lower(gap)))
            from unnest(gaps.lost * tstzmultirange(tstzrange(begun_at, ended_at))) as gap
        )::double precision / extract(epoch from ended_at - begun_at)::double precision as share
    from periods
    inner join gaps using (data_origin, source)
)

select data_origin, source, round((share * 100)::numeric, 1)::double precision as share
from shares
where share > $1
order by data_origin, source
"""

CHECKS = [
    expect_no_rows(
        "restricted.tweet_residence",
        "collection_has_few_outages",
        description="Of the days from the first to the last event of a platform, at most a tenth of the time was not "
        "collected: without connection to the stream, or without any event in the archives.",
        query=_OUTAGE_SHARE,
        parameters=[MOST_OUTAGE_SHARE],
        line="{source} ({data_origin}): {share} % of the time",
    ),
]
