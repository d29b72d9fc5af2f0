"""Asset checks of the prices pilot, by area.

A check blocks where a figure would be wrong (lost rows, an index that moves against its prices). Faults of the data
warn: they are rows of the marts and stay out of the indices.
"""

from __future__ import annotations

from ons_bigdata.platform.dagster.checks import table_matches_frame
from ons_bigdata.prices.checks import collection, comparison, indices, quality, scope
from ons_bigdata.prices.schemas.tables import TABLES

CHECKS = [
    *(table_matches_frame(table, frame) for table, frame in TABLES.items()),
    *collection.CHECKS,
    *scope.CHECKS,
    *quality.CHECKS,
    *indices.CHECKS,
    *comparison.CHECKS,
]
