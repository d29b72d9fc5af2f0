"""Python assets of the phones pilot, by area. Group, owner, area and columns are set here, on all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.phones.areas import AREAS
from ons_bigdata.phones.assets import census_comparison, devices, duplicates, flow_estimates, presence, weights
from ons_bigdata.phones.schemas.tables import TABLES
from ons_bigdata.phones.sources import SOURCES
from ons_bigdata.platform.dagster.assets import annotate_assets
from ons_bigdata.platform.dagster.raw_assets import source_assets
from ons_bigdata.platform.ingest.sources import with_tables

if TYPE_CHECKING:
    import dagster as dg

PILOT = "phones"

_ASSETS: dict[str, list[dg.AssetsDefinition]] = {
    "deliveries": [],
    "weighting": [*weights.ASSETS, *flow_estimates.ASSETS],
    "devices": [*devices.ASSETS, *duplicates.ASSETS],
    "presence": [*presence.ASSETS],
    "comparison": [*census_comparison.ASSETS],
}

ASSETS = [
    asset
    for area in AREAS
    for asset in annotate_assets(
        [*source_assets(with_tables(SOURCES, area=area)), *_ASSETS[area]], pilot=PILOT, area=area, frames=TABLES
    )
]
