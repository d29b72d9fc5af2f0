"""Python assets of the meters pilot, by area: declared inputs → method → tables.

Group, owner, area and columns are set here, on all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.areas import AREAS
from ons_bigdata.meters.assets import aggregates, evaluation, fieldwork, homes, quality, reports, vacancy
from ons_bigdata.meters.schemas.tables import TABLES
from ons_bigdata.meters.sources import SOURCES
from ons_bigdata.platform.dagster.assets import annotate_assets
from ons_bigdata.platform.dagster.raw_assets import source_assets
from ons_bigdata.platform.ingest.sources import with_tables

if TYPE_CHECKING:
    import dagster as dg

PILOT = "meters"

_ASSETS: dict[str, list[dg.AssetsDefinition]] = {
    "collection": homes.ASSETS,
    "quality": [*quality.ASSETS, *aggregates.ASSETS, *reports.ASSETS],
    "vacancy": vacancy.ASSETS,
    "fieldwork": fieldwork.ASSETS,
    "evaluation": evaluation.ASSETS,
}

ASSETS = [
    asset
    for area in AREAS
    for asset in annotate_assets(
        [*source_assets(with_tables(SOURCES, area=area)), *_ASSETS[area]], pilot=PILOT, area=area, frames=TABLES
    )
]
