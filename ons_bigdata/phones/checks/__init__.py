"""Asset checks of the phones pilot, by area."""

from __future__ import annotations

from ons_bigdata.phones.checks import deliveries, devices, presence, weighting
from ons_bigdata.phones.schemas.tables import TABLES
from ons_bigdata.phones.sources import SOURCES
from ons_bigdata.platform.dagster.checks import load_checks, table_matches_frame
from ons_bigdata.platform.ingest.sources import with_tables

CHECKS = [
    *(table_matches_frame(table, frame) for table, frame in TABLES.items()),
    *(check for source in with_tables(SOURCES) for check in load_checks(source)),
    *deliveries.CHECKS,
    *weighting.CHECKS,
    *devices.CHECKS,
    *presence.CHECKS,
]
