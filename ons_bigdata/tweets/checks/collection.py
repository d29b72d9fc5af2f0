"""Checks of collection: the stream was connected, and days have about as many events as those before."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import expect_no_rows

MOST_SECONDS_OF_A_DAY = 4_320
"""Seconds of gaps that begin on a day above which the day warns: five per cent of it."""

_DISCONNECTED_DAYS = """
select loads.data_origin, gaps.stream, gaps.gap_day, count(*)::int as gaps,
    round(sum(extract(epoch from to_utc - from_utc)))::bigint as seconds,
    string_agg(distinct gaps.reason, ', ' order by gaps.reason) as reasons
from raw.tweet_stream_gaps as gaps
join ops.loads using (load_id)
join ops.files using (file_id)
where files.superseded_by is null
group by loads.data_origin, gaps.stream, gaps.gap_day
having sum(extract(epoch from to_utc - from_utc)) > $1
order by gaps.gap_day desc, loads.data_origin, gaps.stream
"""

HISTORY_DAYS, LEAST_DAYS = 28, 7
"""Days before a day with which its volume is compared, and number of them with events from which on it is."""
LEAST_RATIO, MOST_RATIO = 0.5, 2.0
LEAST_EVENTS = 100
"""Median events of a day below which a volume says little."""

_ODD_VOLUMES = """
with days as (
    select loads.data_origin, files.delivery, parts.partition::date as day, sum(parts.accepted)::bigint as events
    from ops.load_partitions as parts
    join ops.loads using (load_id)
    join ops.files using (file_id)
    where files.source = 'geo_events' and loads.state = 'committed' and files.superseded_by is null
        and parts.accepted > 0
    group by loads.data_origin, files.delivery, parts.partition
),

history as (
    select present.data_origin, present.delivery, present.day, present.events, count(*) as days,
        percentile_cont(0.5) within group (order by earlier.events) as usual
    from days as present
    join days as earlier
        on earlier.data_origin = present.data_origin and earlier.delivery = present.delivery
        and earlier.day between present.day - $1::int and present.day - 1
    group by present.data_origin, present.delivery, present.day, present.events
)

select data_origin, delivery, day, events, usual::bigint as usual
from history
where days >= $2 and usual >= $3 and (events < $4 * usual or events > $5 * usual)
order by day desc, data_origin, delivery
"""

CHECKS = [
    expect_no_rows(
        "lake.geo_events",
        "volume_is_near_that_of_the_weeks_before",
        description="A day of a provider has at least half and at most twice the median events of the 28 days before; "
        "of days with seven such days and a median of 100 events or more.",
        query=_ODD_VOLUMES,
        parameters=[HISTORY_DAYS, LEAST_DAYS, LEAST_EVENTS, LEAST_RATIO, MOST_RATIO],
        line="{day}, {delivery} ({data_origin}): {events} events, usually {usual}",
        partition="day",
    ),
    expect_no_rows(
        "raw.tweet_stream_gaps",
        "stream_was_connected",
        description="The times without connection that began on a day are at most five per cent of a day.",
        query=_DISCONNECTED_DAYS,
        parameters=[MOST_SECONDS_OF_A_DAY],
        line="{gap_day}, {stream} ({data_origin}): {seconds} s in {gaps} gaps: {reasons}",
        partition="gap_day",
    ),
]
