"""The Python assets of the prices pilot: read, call a method, write, report. SQL models are dbt's.

An asset says what it reads and what a row is; group, owner, area and columns are put on all of them here.
"""

import dagster as dg

from ons_bigdata.platform.assets import placed
from ons_bigdata.prices.assets import (
    collection,
    comparison,
    daily_indices,
    other_prices,
    product_scope,
    quality,
    recipe_indices,
    scope_impact,
    scraping,
)
from ons_bigdata.prices.schemas.tables import TABLES

GROUP = "prices"

AREAS = {
    "reference": "codes, weights and names that everything refers to",
    "collection": "runs, files and rows as they came, staged; which days were collected",
    "quotes": "from listings to the quotes that may enter an index: products, counts, decisions, exclusions",
    "product_scope": "which products belong to their item, and what that does to the indices",
    "indices": "figures by recipe, their errors, diagnostics and movements",
    "quality": "findings on what was collected, and the daily report",
    "comparison": "official figures, other sources, frequencies, costs",
}
"""The parts of the pilot, for the tag `area` of its assets; dbt's have it in their YAML, as `meta.area`."""

_ASSETS: dict[str, list[dg.AssetsDefinition | dg.AssetSpec]] = {
    "collection": [*scraping.ASSETS, *collection.ASSETS],
    "product_scope": [*product_scope.ASSETS, *scope_impact.ASSETS],
    "indices": [*daily_indices.ASSETS, *recipe_indices.ASSETS],
    "quality": quality.ASSETS,
    "comparison": [*other_prices.ASSETS, *comparison.ASSETS],
}

ASSETS = [asset for area, assets in _ASSETS.items() for asset in placed(assets, group=GROUP, area=area, frames=TABLES)]
