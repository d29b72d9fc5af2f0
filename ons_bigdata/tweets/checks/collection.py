"""Checks of collection: the stream was connected."""

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

CHECKS = [
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
