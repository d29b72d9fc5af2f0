"""Adapters to the outside: files of readings, attributes of the homes, surveys. `SOURCES` lists the kinds of files."""

from ons_bigdata.meters.sources import accumulation_files, homes, reading_files

SOURCES = (*homes.SOURCES, *accumulation_files.SOURCES, *reading_files.SOURCES)
"""In the order in which they are tried; the last one refuses what none knows."""

__all__ = ["SOURCES"]
