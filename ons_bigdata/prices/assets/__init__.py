"""Python assets of the prices pilot, by area: declared inputs → method → table.

Group, owner, area and columns are set here, on all of them.
"""

from ons_bigdata.platform.dagster.assets import annotate_assets
from ons_bigdata.platform.dagster.raw_assets import source_assets
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.prices.areas import AREAS
from ons_bigdata.prices.assets import collection, comparison, indices, quality, scope
from ons_bigdata.prices.schemas.tables import TABLES
from ons_bigdata.prices.sources import SOURCES

PILOT = "prices"

_MODULES = {
    "collection": collection,
    "scope": scope,
    "quality": quality,
    "indices": indices,
    "comparison": comparison,
}

ASSETS = [
    asset
    for area in AREAS
    for asset in annotate_assets(
        [*source_assets(loadable(SOURCES, area=area)), *_MODULES[area].ASSETS], pilot=PILOT, area=area, frames=TABLES
    )
]
