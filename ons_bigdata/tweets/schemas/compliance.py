"""Frame of the tombstones: compliance events with pseudonyms in the place of ids."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import COMPLIANCE_KINDS, HEX_ID, ORIGIN


class TweetTombstone(dy.Schema):
    """One row per compliance event of a post or user (`restricted.tweet_tombstones`).

    Written by `ons-bigdata compliance`. A post whose author is known has a second row, by user and second.
    """

    tombstone_id = dy.Int64(primary_key=True, description="number of the row")
    kind = dy.String(
        regex=f"^({'|'.join(COMPLIANCE_KINDS)})$",
        description="kind of the event: what removes rows, or lifts such an event for later arrivals",
    )
    subject = dy.String(regex="^(event|user)$", description="event (a post) or user")
    key = dy.Int64(description="pseudonym of the post or the user, as in the lake")
    up_to_id = dy.Decimal(
        nullable=True, precision=20, scale=0, description="id of the last post of which the position goes (scrub_geo)"
    )
    effective_at = dy.Datetime(
        time_unit="us", time_zone="UTC", description="time of the event; of its arrival where the event has none"
    )
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file")
    key_id = dy.String(regex=HEX_ID, description="name of the key of the pseudonym: 16 hex digits")
    sha256 = dy.String(regex="^[0-9a-f]{64}$", description="hash of the file of events, which is not kept")
    recorded_at = dy.Datetime(time_unit="us", time_zone="UTC", description="when it was recorded")
    applied_at = dy.Datetime(
        nullable=True, time_unit="us", time_zone="UTC", description="when its rows had gone; null while it waits"
    )
