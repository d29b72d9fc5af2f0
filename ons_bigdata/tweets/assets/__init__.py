"""Python assets of the tweets pilot, by area: declared inputs → method → tables.

Group, owner, area and columns are set here, on all of them.
"""

from ons_bigdata.platform.dagster.assets import annotate_assets
from ons_bigdata.platform.dagster.raw_assets import source_assets
from ons_bigdata.platform.ingest.sources import with_tables
from ons_bigdata.tweets.areas import AREAS
from ons_bigdata.tweets.assets import places
from ons_bigdata.tweets.schemas.tables import TABLES
from ons_bigdata.tweets.sources import SOURCES

PILOT = "tweets"

_ASSETS = {"collection": [], "places": places.ASSETS, "migration": []}

ASSETS = [
    asset
    for area in AREAS
    for asset in annotate_assets(
        [*source_assets(with_tables(SOURCES, area=area)), *_ASSETS[area]], pilot=PILOT, area=area, frames=TABLES
    )
]
