"""Adapters to the outside: archives of geo-located events, addresses, postcodes. `SOURCES` lists the kinds of files."""

from ons_bigdata.tweets.sources import addresses, archives

SOURCES = (*archives.SOURCES, *addresses.SOURCES)

__all__ = ["SOURCES"]
