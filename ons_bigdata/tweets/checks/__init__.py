"""Asset checks of the tweets pilot, by area. No check names a user, an event or a position."""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import load_checks, table_matches_frame
from ons_bigdata.platform.ingest.sources import with_tables
from ons_bigdata.tweets.checks import addresses, collection, migration, places, residence
from ons_bigdata.tweets.schemas.tables import TABLES
from ons_bigdata.tweets.sources import SOURCES

CHECKS = [
    *(table_matches_frame(table, frame) for table, frame in TABLES.items()),
    *(check for source in with_tables(SOURCES) for check in load_checks(source)),
    *collection.CHECKS,
    *places.CHECKS,
    *addresses.CHECKS,
    *residence.CHECKS,
    *migration.CHECKS,
]
