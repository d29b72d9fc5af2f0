"""Effect of the scope on the daily indices: those of the target compared with those of the whole shelf."""

from __future__ import annotations

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.prices.assets.indices.origins import INPUTS, current_recipes, panels_by_origin
from ons_bigdata.prices.methods.recipes import index_figures
from ons_bigdata.prices.methods.scope.impact import index_impact
from ons_bigdata.prices.schemas.indices import AggregateIndex
from ons_bigdata.prices.schemas.scope import ScopeIndexImpact


@table_asset(
    table="analysis.scope_index_impact",
    inputs={
        **INPUTS,
        "aggregates": "analysis.aggregate_price_indices",
        "counts": "intermediate.int_prices__scope_quotes_counted",
    },
    frame=ScopeIndexImpact,
    description=(
        "One row per item, class or division and method: the index with and without products out of scope. Internal: "
        "the evidence of docs/prices/scope/product_scope.md."
    ),
)
def scope_index_impact(inputs: Inputs, _run: AssetRun) -> Output:
    """Compute the target's indices of the recipes that publish the shelf only, and compare them with the shelf's."""
    recipes = [recipe for recipe in current_recipes() if "target" not in recipe.scopes]
    with threadpool_limits(limits=1):
        figures = [index_figures(panels, recipes, scopes=["target"]) for panels in panels_by_origin(inputs)]
    target = pl.concat([AggregateIndex.create_empty(), *(computed.aggregates for computed in figures)])
    names = [recipe.name for recipe in recipes]
    shelf = inputs.read("aggregates").filter((pl.col("scope") == "shelf") & pl.col("recipe").is_in(names))
    frame = index_impact(shelf, target, inputs.read("counts"))
    divisions = frame.filter((pl.col("level") == "division") & pl.col("difference").is_not_null())
    return Output(
        frame,
        {
            "without_difference": frame["difference"].null_count(),
            **{
                f"{row['data_origin']}_{row['code']}_{row['method']}": round(row["difference"], 3)
                for row in divisions.iter_rows(named=True)
            },
        },
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [scope_index_impact]
