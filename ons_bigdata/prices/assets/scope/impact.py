"""Effect of the scope on the daily indices: those of the target compared with those of the whole shelf."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.methods.scope.impact import index_impact
from ons_bigdata.prices.schemas.indices import AggregateIndex
from ons_bigdata.prices.schemas.scope import ScopeIndexImpact

DAYS_COMPARED = 91
"""Last days of each origin whose indices are compared."""

_COLUMNS = ["data_origin", "level", "code", "recipe", "method", "scope", "period", "index"]


@table_asset(
    table="analysis.scope_index_impact",
    inputs={
        "aggregates": "analysis.aggregate_price_indices",
        "item_days": "intermediate.int_prices__item_days_accepted",
        "counts": "intermediate.int_prices__scope_quotes_counted",
    },
    frame=ScopeIndexImpact,
    description=(
        "One row per item, class or division and method: index with and without products out of scope in the last 91 "
        "days. Internal: the evidence of docs/prices/scope/product_scope.md."
    ),
)
def scope_index_impact(inputs: Inputs, _run: AssetRun) -> Output:
    """Compare the daily indices of the target with those of the shelf, of the recipes that publish both."""
    outputs = [
        (recipe.name, output.method)
        for recipe in current_recipes()
        for output in recipe.outputs
        if {"shelf", "target"} <= set(recipe.scopes) and output.frequency == "daily"
    ]
    figures = _last_figures(inputs).join(
        pl.DataFrame(outputs, schema={"recipe": pl.String, "method": pl.String}, orient="row"), on=["recipe", "method"]
    )
    shelf, target = (figures.filter(pl.col("scope") == scope) for scope in ("shelf", "target"))
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


def _last_figures(inputs: Inputs) -> pl.DataFrame:
    """Read the figures of the last days of each origin."""
    days = inputs.read("item_days", ["data_origin", "collected_on"])
    last_days = days.group_by("data_origin").agg(pl.col("collected_on").max()).sort("data_origin")
    parts = [AggregateIndex.create_empty().select(_COLUMNS)]
    for origin, last in last_days.iter_rows():
        seen = last - timedelta(days=DAYS_COMPARED - 1), last
        parts.append(inputs.read_days("aggregates", "period", seen, _COLUMNS).filter(pl.col("data_origin") == origin))
    return pl.concat(parts)


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [scope_index_impact]
