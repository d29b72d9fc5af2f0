"""Adapters to the outside: files of readings and attributes of the homes. `SOURCES` lists the kinds of files."""

from ons_bigdata.meters.sources import reading_files

SOURCES = (*reading_files.SOURCES,)

__all__ = ["SOURCES"]
