"""Indices by named recipe, with their uncertainty and diagnostics; the daily indices' uncertainty, too."""

from collections.abc import Iterator
from dataclasses import fields

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.daily import daily_recipe, weights
from ons_bigdata.prices.methods.recipes.bootstrap import Bootstrap
from ons_bigdata.prices.methods.recipes.catalogue import INDEX_RECIPES, base_weeks, daily_recipe_outputs
from ons_bigdata.prices.methods.recipes.run import RecipeFrames, World, price_world, recipe_frames
from ons_bigdata.prices.methods.recipes.tree import TreeWeights
from ons_bigdata.prices.schemas.tables import TABLES

_TABLES = {
    "elementary": (
        "recipe_elementary_indices",
        "One row per retailer, item, recipe, method, scope and period: the elementary index on a scale of its own. "
        "Internal: what the figures are made of, for checks and analysts.",
    ),
    "indices": (
        "recipe_price_indices",
        "One row per item, class or division, recipe, method, scope and period: the indices by recipe.",
    ),
    "diagnostics": (
        "price_index_diagnostics",
        "One row per figure, the daily ones too: standard error, what it rests on, window revision and drift.",
    ),
    "movements": (
        "price_index_movements",
        "One row per figure that has one before it: its log movement in five parts that add up (prices, churn, "
        "imputation, rejected days, splice).",
    ),
}
"""Field of `RecipeFrames` → table of schema analysis and description."""

_DEPS = [
    ["intermediate", "int_prices__quotes_scoped"],
    ["intermediate", "int_prices__product_pack_sizes"],
    ["intermediate", "int_prices__quote_counts_judged"],
    # The errors are those of these figures.
    ["analysis", "aggregate_price_indices"],
    ["seeds", "item_weights"],
    ["seeds", "class_weights"],
    ["seeds", "retailer_weights"],
]


@dg.multi_asset(
    name="recipe_price_indices",
    specs=[
        dg.AssetSpec(
            key=["analysis", table],
            deps=_DEPS,
            kinds={"python", "polars"},
            description=description,
            skippable=True,
        )
        for table, description in _TABLES.values()
    ],
    can_subset=True,
)
def recipe_price_indices(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Compute every recipe and the daily indices' errors once, for each origin, and write the tables asked for."""
    store = warehouse.open()
    bootstrap = Bootstrap()
    # Small matrices: threads would wait for each other longer than they work.
    with threadpool_limits(limits=1):
        found = [_of_world(world) for world in _worlds(store, bootstrap)]
    for field in fields(RecipeFrames):
        name, _ = _TABLES[field.name]
        key, table = dg.AssetKey(["analysis", name]), f"analysis.{name}"
        if key in context.selected_asset_keys:
            frames = [getattr(one, field.name) for one in found]
            frame = TABLES[table].validate(pl.concat(frames) if frames else TABLES[table].create_empty())
            rows = store.replace(table, frame)
            yield dg.MaterializeResult(asset_key=key, metadata={"rows": rows, **_said(frame, bootstrap)})


def _of_world(world: World) -> RecipeFrames:
    """Put the daily indices' diagnostics and movements beside the recipes'; their figures are written elsewhere."""
    daily = recipe_frames(world, [daily_recipe_outputs(daily_recipe())], scopes=["shelf"])
    recipes = recipe_frames(world, INDEX_RECIPES)
    return RecipeFrames(
        recipes.elementary,
        recipes.indices,
        pl.concat([daily.diagnostics, recipes.diagnostics]),
        pl.concat([daily.movements, recipes.movements]),
    )


def _worlds(store: Warehouse, bootstrap: Bootstrap) -> Iterator[World]:
    """Give the quotes of each data origin with what the recipes need beside them."""
    quotes = scoped_quotes(store)
    weeks = base_weeks(quotes)
    pack_sizes = store.frame(
        "select data_origin, retailer, item_number, product, pack_size"
        " from intermediate.int_prices__product_pack_sizes where is_of_item_measure"
    )
    rejected = store.frame(
        "select data_origin, retailer, item_number, collected_on from intermediate.int_prices__quote_counts_judged"
        " where status in ('too_few', 'too_many', 'missing') and not enters"
    )
    of_seeds = weights(store, daily_recipe())
    for (origin,), rows in sorted(quotes.partition_by("data_origin", as_dict=True).items()):
        own = pl.col("data_origin") == origin
        yield price_world(
            rows,
            data_origin=str(origin),
            pack_sizes=pack_sizes.filter(own),
            rejected=rejected.filter(own),
            weights=TreeWeights(
                of_seeds["retailer_weights"].filter(own), of_seeds["item_weights"], of_seeds["class_weights"]
            ),
            week=weeks[str(origin)],
            bootstrap=bootstrap,
        )


def scoped_quotes(store: Warehouse) -> pl.DataFrame:
    """Return the quotes that may enter an index, each with whether it was judged to be of its item."""
    return store.frame(
        "select data_origin, retailer, item_number, product, collected_on, price_gbp, in_scope"
        " from intermediate.int_prices__quotes_scoped"
    )


def _said(frame: pl.DataFrame, bootstrap: Bootstrap) -> dict[str, int | float | None]:
    said: dict[str, int | float | None] = {}
    for column in ("index", "level"):
        if column in frame.columns and frame.schema[column].is_float():
            said["without_index"] = frame[column].null_count()
    if "standard_error" in frame.columns:
        said["without_standard_error"] = frame["standard_error"].null_count()
        said |= {"resamples": bootstrap.replicates, "seed": bootstrap.seed}
        said["median_standard_error"] = frame["standard_error"].drop_nulls().cast(pl.Float64).to_frame().median().item()
    return said


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [recipe_price_indices]
