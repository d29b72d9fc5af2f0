"""Asset checks of the prices pilot, by area.

A check blocks where a figure would be wrong (lost rows, an index that moves against its prices). Faults of the data
warn: they are rows of the marts and stay out of the indices.
"""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import load_checks, table_matches_frame
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.prices.checks import collection, comparison, indices, quality, scope
from ons_bigdata.prices.schemas.tables import TABLES
from ons_bigdata.prices.sources import SOURCES

CHECKS = [
    *(table_matches_frame(table, frame) for table, frame in TABLES.items()),
    *(check for source in loadable(SOURCES) for check in load_checks(source)),
    *collection.CHECKS,
    *scope.CHECKS,
    *quality.CHECKS,
    *indices.CHECKS,
    *comparison.CHECKS,
]
