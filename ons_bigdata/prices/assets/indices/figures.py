"""Point figures of all recipes: elementary indices and their aggregates. They do not wait for resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.prices.assets.indices.origins import INPUTS, current_recipes, panels_by_origin
from ons_bigdata.prices.methods.recipes import index_figures, parameters_hash
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

ELEMENTARY = Table(
    "analysis.elementary_price_indices",
    ElementaryIndex,
    "One row per retailer, item, recipe, method, scope and period: the elementary index within its segment.",
)
AGGREGATES = Table(
    "analysis.aggregate_price_indices",
    AggregateIndex,
    "One row per item, class or division, recipe, method, scope and period: retailers, items and classes combined.",
)


@tables_asset(name="price_index_figures", tables=[ELEMENTARY, AGGREGATES], inputs=INPUTS, can_subset=True)
def price_index_figures(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Compute every recipe for each data origin."""
    recipes = current_recipes()
    # Small matrices: threads would wait for each other longer than they work.
    with threadpool_limits(limits=1):
        figures = [index_figures(panels, recipes) for panels in panels_by_origin(inputs)]
    elementary = pl.concat([ElementaryIndex.create_empty(), *(computed.elementary for computed in figures)])
    aggregates = pl.concat([AggregateIndex.create_empty(), *(computed.aggregates for computed in figures)])
    table = "\n".join(
        ["| recipe | fingerprint | |", "|---|---|---|"]
        + [f"| {recipe.name} | {parameters_hash(recipe)} | {recipe.description} |" for recipe in recipes]
    )
    restarts = elementary.filter((pl.col("recipe") == recipes[0].name) & (pl.col("segment") > 0))
    return {
        ELEMENTARY.name: Output(
            elementary,
            {"without_index": elementary["segment_index"].null_count(), "after_chain_restarts": restarts.height},
        ),
        AGGREGATES.name: Output(
            aggregates,
            {
                "without_index": aggregates["index"].null_count(),
                "partial": aggregates.filter(pl.col("status") == "partial").height,
                "recipes": dg.MetadataValue.md(table),
            },
        ),
    }


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [price_index_figures]
