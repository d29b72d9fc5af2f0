"""Adapters to the outside: archives and the stream of geo-located events, addresses, postcodes.

`SOURCES` lists the kinds of files.
"""

from ons_bigdata.tweets.sources import addresses, archives, stream_gaps

SOURCES = (*stream_gaps.SOURCES, *archives.SOURCES, *addresses.SOURCES)

__all__ = ["SOURCES"]
