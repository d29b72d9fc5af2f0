"""Standard errors, diagnostics and movements of the published figures, by resampling the products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.prices.assets.indices.figures import AGGREGATES, ELEMENTARY
from ons_bigdata.prices.assets.indices.origins import INPUTS, current_recipes, panels_by_origin
from ons_bigdata.prices.methods.recipes import Bootstrap, IndexFigures, index_diagnostics
from ons_bigdata.prices.schemas.indices import IndexDiagnostics, IndexMovement

if TYPE_CHECKING:
    from collections.abc import Mapping

DIAGNOSTICS = Table(
    "analysis.price_index_diagnostics",
    IndexDiagnostics,
    "One row per figure: standard error, sample size, window revision and drift.",
)
MOVEMENTS = Table(
    "analysis.price_index_movements",
    IndexMovement,
    "One row per figure that has one before it: its log movement in five parts that add up (prices, churn, "
    "imputation, rejected days, splice).",
)


@tables_asset(
    name="price_index_errors",
    tables=[DIAGNOSTICS, MOVEMENTS],
    inputs={**INPUTS, "elementary": ELEMENTARY.name, "aggregates": AGGREGATES.name},
    can_subset=True,
)
def price_index_errors(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Resample the products of each data origin; the point figures are read from their tables."""
    bootstrap, recipes = Bootstrap(), current_recipes()
    figures = IndexFigures(inputs.read("elementary"), inputs.read("aggregates"))
    with threadpool_limits(limits=1):
        computed = [index_diagnostics(panels, recipes, figures, bootstrap) for panels in panels_by_origin(inputs)]
    diagnostics = pl.concat([IndexDiagnostics.create_empty(), *(results.diagnostics for results in computed)])
    movements = pl.concat([IndexMovement.create_empty(), *(results.movements for results in computed)])
    errors = diagnostics["standard_error"]
    return {
        DIAGNOSTICS.name: Output(
            diagnostics,
            {
                "without_index": diagnostics["index"].null_count(),
                "without_standard_error": errors.null_count(),
                "median_standard_error": diagnostics.select(pl.col("standard_error").median()).item(),
                "resamples": bootstrap.replicates,
                "seed": bootstrap.seed,
            },
        ),
        MOVEMENTS.name: Output(movements),
    }


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [price_index_errors]
