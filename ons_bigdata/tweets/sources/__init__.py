"""Adapters to the outside: archives of geo-located events, official figures. `SOURCES` lists the kinds of files."""

from ons_bigdata.tweets.sources import archives, official_migration

SOURCES = (*archives.SOURCES, *official_migration.SOURCES)

__all__ = ["SOURCES"]
