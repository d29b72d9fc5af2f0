"""Checks of published indices: they move by their recorded movements, and between their children."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.origins import current_recipes

LARGEST_DIFFERENCE = 1e-9
"""Of logarithms: allowance for rounding."""

_FIGURE = ["data_origin", "level", "code", "recipe", "method", "scope"]
_KEY = [*_FIGURE, "period"]

_FIGURES = """
select data_origin, level, code, recipe, method, scope, period, ln(index) as log_index, base_period
from analysis.aggregate_price_indices
where index is not null
"""

_MOVEMENTS = """
select data_origin, level, code, recipe, method, scope, period, previous_period, movement
from analysis.price_index_movements
"""

_ELEMENTARY = """
select data_origin, 'item' as level, item_number::text as code, recipe, method, scope, period,
    retailer as child, segment, ln(segment_index) as log_index
from analysis.elementary_price_indices
where segment_index is not null
"""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "aggregate_price_indices"]),
    additional_deps=[dg.AssetKey(["analysis", "elementary_price_indices"])],
    blocking=True,
    description=(
        "Published indices move by no less and no more than their retailers, items or classes do: an index that is"
        " inverted on its way up cannot pass."
    ),
)
def figures_move_with_their_children(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare the log change of each figure with the least and the largest of its children, computed from their levels.

    A parent is a mean of its children. They are compared where the same children have an index, in the same segment, in
    both periods; where a child comes, goes or starts again, its parent may leave these bounds. Warn where figures have
    a predecessor and no movement could be compared: the check would pass without a test.
    """
    store = warehouse.open()
    figures = store.frame(_FIGURES)
    moved = _log_changes(figures)
    bounds = _bounds(moved, _children(store, figures))
    outside = bounds.filter(
        (pl.col("change") < pl.col("least") - LARGEST_DIFFERENCE)
        | (pl.col("change") > pl.col("largest") + LARGEST_DIFFERENCE)
    )
    untested = bounds.is_empty() and not moved.is_empty()
    return dg.AssetCheckResult(
        passed=outside.is_empty() and not untested,
        severity=dg.AssetCheckSeverity.WARN if untested else dg.AssetCheckSeverity.ERROR,
        metadata={
            "movements": moved.height,
            "compared_with_children": bounds.height,
            "outside_children": outside.height,
            "examples": str(outside.sort(_KEY).head(5).to_dicts()),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "price_index_movements"]),
    additional_deps=[dg.AssetKey(["analysis", "aggregate_price_indices"])],
    blocking=True,
    description="The recorded movements are those of the published indices: each figure has its movement.",
)
def movements_are_those_of_figures(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare the log change of each figure from its predecessor with the recorded movement; neither may be missing."""
    store = warehouse.open()
    moved = _log_changes(store.frame(_FIGURES))
    unlike = _differing_movements(moved, store.frame(_MOVEMENTS))
    return dg.AssetCheckResult(
        passed=unlike.is_empty(),
        metadata={
            "movements": moved.height,
            "unlike_recorded": unlike.height,
            "examples": str(unlike.sort(_KEY).head(5).to_dicts()),
        },
    )


def _log_changes(figures: pl.DataFrame) -> pl.DataFrame:
    """Period and log change of each figure since the figure before it; figures of two bases have no common scale."""
    series = [*_FIGURE, "base_period"]
    before = figures.sort(_KEY).with_columns(
        figure_before=pl.col("period").shift(1).over(series),
        change=pl.col("log_index") - pl.col("log_index").shift(1).over(series),
    )
    return before.filter(pl.col("figure_before").is_not_null()).select(*_KEY, "figure_before", "change")


def _differing_movements(moved: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """Figures whose recorded movement differs, is from another period or is missing, and movements without a figure."""
    both = moved.join(movements, on=_KEY, how="full", coalesce=True)
    alike = (pl.col("figure_before") == pl.col("previous_period")) & (
        (pl.col("change") - pl.col("movement")).abs() <= LARGEST_DIFFERENCE
    )
    return both.filter(~alike.fill_null(value=False))


def _children(store: Warehouse, figures: pl.DataFrame) -> pl.DataFrame:
    """Log indices of the children of each figure: retailers of items, items of classes, classes of divisions.

    Children without weight may be among them; they widen the bounds.
    """
    year = [current_recipes()[0].weights_year]
    items = store.frame(
        "select distinct 'item' as level, item_number::text as code, 'class' as parent_level, class_code as parent"
        " from seeds.item_weights where weights_year = $1",
        year,
    )
    classes = store.frame(
        "select distinct 'class' as level, class_code as code, 'division' as parent_level, division_code as parent"
        " from seeds.class_weights where weights_year = $1",
        year,
    )
    within = figures.join(pl.concat([items, classes]), on=["level", "code"]).select(
        "data_origin",
        pl.col("parent_level").alias("level"),
        pl.col("parent").alias("code"),
        *["recipe", "method", "scope", "period"],
        pl.col("code").alias("child"),
        pl.lit(0, pl.Int32).alias("segment"),
        "log_index",
    )
    return pl.concat([store.frame(_ELEMENTARY), within], how="vertical_relaxed")


def _bounds(moved: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """Least and largest movement of the children, of figures whose children are the same as before."""
    counts = children.group_by(_KEY).agg(children=pl.len())
    now = moved.join(children, on=_KEY)
    before = children.rename({"period": "figure_before", "log_index": "log_before"})
    stays = now.join(before, on=[*_FIGURE, "figure_before", "child", "segment"])
    change = pl.col("log_index") - pl.col("log_before")
    summed = stays.group_by(*_KEY, "figure_before", "change").agg(
        stay=pl.len(), least=change.min(), largest=change.max()
    )
    counted = summed.join(counts, on=_KEY).join(
        counts.rename({"period": "figure_before", "children": "children_before"}), on=[*_FIGURE, "figure_before"]
    )
    same = (pl.col("stay") == pl.col("children")) & (pl.col("stay") == pl.col("children_before"))
    return counted.filter(same).drop("stay", "children", "children_before")


CHECKS: list[dg.AssetChecksDefinition] = [figures_move_with_their_children, movements_are_those_of_figures]
