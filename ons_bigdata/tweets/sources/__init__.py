"""Adapters to the outside: events, addresses, postcodes, populations and official figures on migration.

`SOURCES` lists the kinds of files.
"""

from ons_bigdata.tweets.sources import addresses, archives, official_migration, populations, stream_gaps

SOURCES = (
    *stream_gaps.SOURCES,
    *archives.SOURCES,
    *addresses.SOURCES,
    *populations.SOURCES,
    *official_migration.SOURCES,
)

__all__ = ["SOURCES"]
