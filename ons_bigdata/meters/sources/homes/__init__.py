"""Files about the homes of meters: attributes and surveys, below `ons-bigdata ingest meters PATH…`."""

from ons_bigdata.meters.sources.homes import home_files, survey_files

SOURCES = (*home_files.SOURCES, *survey_files.SOURCES)
