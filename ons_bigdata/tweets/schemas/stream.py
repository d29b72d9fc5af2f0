"""Frame of the times without connection to the stream."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from ons_bigdata.tweets.schemas.vocabulary import GAP_REASONS, HEX_ID, IDENTIFIER


class StreamGap(dy.Schema):
    """One row per time without connection to a stream that has ended (`raw.tweet_stream_gaps`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=1, description="line of the file")
    gap_day = dy.Date(description="day on which the gap began, UTC; the partition")
    stream = dy.String(regex=IDENTIFIER, description="platform of the stream, such as twitter")
    from_utc = dy.Datetime(
        time_unit="us", time_zone="UTC", description="when the connection was last known to last; else the first start"
    )
    to_utc = dy.Datetime(time_unit="us", time_zone="UTC", description="when the next connection was accepted")
    reason = dy.String(
        regex=f"^({'|'.join(GAP_REASONS)})$", description="why the connection ended, or the first attempt failed"
    )
    detail = dy.String(nullable=True, description="HTTP status or title that the platform gave; null without any")
    failed_attempts = dy.Int32(min=0, description="attempts to connect that failed within the gap")
    responses = dy.String(
        nullable=True, description="what failed attempts ended with, such as `HTTP 503 (3), HTTP 429`; null without any"
    )
    half_line_bytes = dy.Int64(
        min=0, description="bytes of a line that the end of the connection cut short; 0 where there is none"
    )

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:  # noqa: N805  (a rule gets the class)
        """A gap does not end before it begins."""
        return cls.to_utc.col >= cls.from_utc.col
