"""Adapters to the outside world of geo-located events: archives to typed frames. `SOURCES` lists the kinds of files."""

from ons_bigdata.tweets.sources.archives import SOURCES

__all__ = ["SOURCES"]
