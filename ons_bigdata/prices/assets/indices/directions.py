"""Direction of each stored elementary index against its quotes: which series moves against its prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.prices.assets.indices.figures import ELEMENTARY
from ons_bigdata.prices.assets.indices.origins import INPUTS, current_recipes, read_quotes
from ons_bigdata.prices.methods.recipes import index_directions
from ons_bigdata.prices.schemas.indices import IndexDirection

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

DIRECTIONS = Table(
    "analysis.elementary_index_directions",
    IndexDirection,
    "One row per retailer, item, recipe and method: whether the elementary index moves along with its prices. Internal:"
    " the mark of each series behind a check, for analysts.",
)


@tables_asset(
    name="elementary_index_directions",
    tables=[DIRECTIONS],
    inputs={name: INPUTS[name] for name in ("quotes", "item_days", "pack_sizes")} | {"elementary": ELEMENTARY.name},
)
def elementary_index_directions(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Compare the stored indices of all recipes with the quotes, retailer by retailer."""
    quotes, elementary = read_quotes(inputs), inputs.read("elementary")
    pack_sizes, recipes = inputs.read("pack_sizes").filter("is_of_item_measure"), current_recipes()
    texts = pl.col("data_origin", "retailer", "product").cast(pl.String)
    parts: list[pl.DataFrame] = [IndexDirection.create_empty()]
    for retailer in elementary["retailer"].unique().sort():
        of_retailer = pl.col("retailer") == retailer
        of_it = quotes.filter(of_retailer).with_columns(texts)
        parts.append(index_directions(elementary.filter(of_retailer), of_it, pack_sizes, recipes))
    directions = pl.concat(parts).sort(IndexDirection.primary_key())
    counts = dict(directions["status"].value_counts().iter_rows())
    return {DIRECTIONS.name: Output(directions, {status: counts.get(status, 0) for status in ("against", "untested")})}


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [elementary_index_directions]
