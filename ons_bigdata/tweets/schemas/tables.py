"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.tweets.schemas import addresses, places, stream

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    "raw.tweet_stream_gaps": stream.StreamGap,
    "restricted.tweet_users": places.TweetUser,
    "restricted.tweet_clusters": places.TweetCluster,
    "restricted.tweet_events": places.TweetEvent,
    "restricted.tweet_cluster_hours": places.TweetClusterHour,
    "restricted.tweet_cluster_months": places.TweetClusterMonth,
    "restricted.tweet_cluster_addresses": addresses.TweetClusterAddress,
}
"""Frame by `schema.table`."""
