"""Frame of the gaps of archives: times without any event where the archives' own volume lets expect many."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from ons_bigdata.tweets.schemas.vocabulary import HEX_ID, IDENTIFIER, ORIGIN


class ArchiveGap(dy.Schema):
    """One row per time without any event in the archives of a platform (`analysis.tweet_archive_gaps`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    source = dy.String(primary_key=True, regex=IDENTIFIER, description="platform of the events")
    from_utc = dy.Datetime(
        primary_key=True,
        time_unit="us",
        time_zone="UTC",
        description="after the last event before the gap, to the minute",
    )
    to_utc = dy.Datetime(time_unit="us", time_zone="UTC", description="before the first event after it, to the minute")
    expected_events = dy.Float64(
        min=0.0, description="events that the volume of other days and hours lets expect in it"
    )
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the parameters of residence, moves and flows")

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:  # noqa: N805  (a rule gets the class)
        """A gap ends after it begins."""
        return cls.to_utc.col > cls.from_utc.col
