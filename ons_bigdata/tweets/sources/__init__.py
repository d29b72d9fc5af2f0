"""Adapters to the outside: archives and the stream of geo-located events, addresses, postcodes, populations.

`SOURCES` lists the kinds of files.
"""

from ons_bigdata.tweets.sources import addresses, archives, populations, stream_gaps

SOURCES = (*stream_gaps.SOURCES, *archives.SOURCES, *addresses.SOURCES, *populations.SOURCES)

__all__ = ["SOURCES"]
