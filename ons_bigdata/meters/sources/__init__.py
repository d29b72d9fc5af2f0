"""Adapters to the outside: files of readings and attributes of the homes. `SOURCES` lists the kinds of files."""

from ons_bigdata.meters.sources import accumulation_files, reading_files

SOURCES = (*accumulation_files.SOURCES, *reading_files.SOURCES)

__all__ = ["SOURCES"]
