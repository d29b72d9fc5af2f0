"""Adapters to the outside world of geo-located events: archives and the stream, to typed frames.

`SOURCES` lists the kinds of files.
"""

from ons_bigdata.tweets.sources import archives, stream_gaps

SOURCES = (*stream_gaps.SOURCES, *archives.SOURCES)

__all__ = ["SOURCES"]
