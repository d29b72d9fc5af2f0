"""Asset checks of the meters pilot, by area. No check names a meter or a home."""

from __future__ import annotations

from ons_bigdata.meters.checks import quality, vacancy
from ons_bigdata.meters.schemas.tables import TABLES
from ons_bigdata.meters.sources import SOURCES
from ons_bigdata.platform.dagster.checks import load_checks, table_matches_frame
from ons_bigdata.platform.ingest.sources import with_tables

CHECKS = [
    *(table_matches_frame(table, frame) for table, frame in TABLES.items()),
    *(check for source in with_tables(SOURCES) for check in load_checks(source)),
    *quality.CHECKS,
    *vacancy.CHECKS,
]
