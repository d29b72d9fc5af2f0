"""Python assets of the tweets pilot, by area: declared inputs → method → tables.

Group, owner, area and columns are set here, on all of them.
"""

from collections.abc import Sequence

import dagster as dg

from ons_bigdata.platform.dagster.assets import annotate_assets
from ons_bigdata.platform.dagster.raw_assets import source_assets
from ons_bigdata.platform.ingest.sources import with_tables
from ons_bigdata.settings import get_settings
from ons_bigdata.tweets.areas import AREAS
from ons_bigdata.tweets.assets import addresses, collection, migration, migration_comparison, places, residence
from ons_bigdata.tweets.schemas.tables import TABLES
from ons_bigdata.tweets.sources import SOURCES

PILOT = "tweets"

_ASSETS: dict[str, Sequence[dg.AssetsDefinition | dg.AssetSpec]] = {
    "collection": collection.ASSETS,
    "places": places.ASSETS,
    "addresses": addresses.ASSETS,
    "residence": residence.ASSETS,
    "migration": [*migration.ASSETS, *migration_comparison.ASSETS],
}

ASSETS = [
    asset
    for area in AREAS
    for asset in annotate_assets(
        collection.with_freshness([*source_assets(with_tables(SOURCES, area=area)), *_ASSETS[area]], get_settings()),
        pilot=PILOT,
        area=area,
        frames=TABLES,
    )
]
