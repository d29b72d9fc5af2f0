"""The Python assets of the prices pilot: read, call a method, write, report. SQL models are dbt's."""

import dagster as dg

from ons_bigdata.prices.assets import (
    collection,
    comparison,
    daily_indices,
    product_scope,
    quality,
    recipe_indices,
    scraping,
)

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    *scraping.ASSETS,
    *collection.ASSETS,
    *product_scope.ASSETS,
    *quality.ASSETS,
    *daily_indices.ASSETS,
    *recipe_indices.ASSETS,
    *comparison.ASSETS,
]
