"""What must hold of the prices pilot's assets, and when they run by themselves.

Blocking: what would make a figure wrong (rows lost, an index that runs against its prices). Warnings: faults of
the data, which are rows of the marts and stay out of the indices.
"""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.automation import SCRAPES_DONE, daily_schedule
from ons_bigdata.platform.dagster.checks import load_checks, table_matches_frame
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.prices.areas import AREAS
from ons_bigdata.prices.assets.collection.scrapes import CATEGORIES, RUNS
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

# scrapes are runs of their own: one retailer and day each
_BY_DAY = dg.AssetSelection.groups(*(f"prices_{area}" for area in AREAS)) - dg.AssetSelection.assets(RUNS, CATEGORIES)
DAILY_SCHEDULE = daily_schedule("prices_daily", _BY_DAY, cron=SCRAPES_DONE)
