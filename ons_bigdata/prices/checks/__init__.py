"""Asset checks of the prices pilot, by area.

Blocking: what would make a figure wrong (rows lost, an index that runs against its prices). Warnings: faults of
the data, which are rows of the marts and stay out of the indices.
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
