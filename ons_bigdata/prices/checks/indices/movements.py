"""What must hold of the published indices by recipe: they move as their movements say, and between their children.

The elementary indices below them have checks of their own in `recipe_indices`.
"""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.daily import daily_recipe

LARGEST_DIFFERENCE = 1e-9
"""Of logarithms: what rounding may make."""

_FIGURE = ["data_origin", "level", "code", "recipe", "method", "scope"]
_KEY = [*_FIGURE, "period"]

_FIGURES = """
select data_origin, level, code, recipe, method, scope, period, ln(index) as log_index
from analysis.recipe_price_indices
where index is not null
"""

_MOVEMENTS = """
select data_origin, level, code, recipe, method, scope, period, previous_period, movement
from analysis.price_index_movements
where recipe in (select recipe from analysis.recipe_price_indices)
"""

_ELEMENTARY = """
select data_origin, 'item' as level, item_number::text as code, recipe, method, scope, period,
    retailer as child, segment, ln(level) as log_level
from analysis.recipe_elementary_indices
where level is not null
"""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "recipe_price_indices"]),
    additional_deps=[
        dg.AssetKey(["analysis", "price_index_movements"]),
        dg.AssetKey(["analysis", "recipe_elementary_indices"]),
    ],
    blocking=True,
    description=(
        "Published indices by recipe move by their recorded movements, and by no less and no more than their retailers,"
        " items or classes do: an index that is inverted on its way up cannot pass."
    ),
)
def recipe_figures_move_with_their_children(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare the log of each figure over the one before it with two things that are worked out apart from it.

    It is `movement` in analysis.price_index_movements, and each of the two has the other. It lies between the least
    and the largest log movement of the children, worked out anew from their levels, since a parent is a mean of them.
    That is compared where the same children have a level, in the same unbroken stretch, in both periods; where a child
    comes, goes or starts again, its parent may leave these bounds by right. Warn where figures have one before them
    and yet no movement could be compared with children: then nothing was tested.
    """
    store = warehouse.open()
    figures = store.frame(_FIGURES)
    moved = _moved(figures)
    unlike = _unlike_movements(moved, store.frame(_MOVEMENTS))
    bounds = _bounds(moved, _children(store, figures))
    outside = bounds.filter(
        (pl.col("change") < pl.col("least") - LARGEST_DIFFERENCE)
        | (pl.col("change") > pl.col("largest") + LARGEST_DIFFERENCE)
    )
    faulty = unlike.height + outside.height > 0
    untested = bounds.is_empty() and not moved.is_empty()
    return dg.AssetCheckResult(
        passed=not faulty and not untested,
        severity=dg.AssetCheckSeverity.WARN if untested and not faulty else dg.AssetCheckSeverity.ERROR,
        metadata={
            "movements": moved.height,
            "compared_with_children": bounds.height,
            "unlike_recorded": unlike.height,
            "outside_children": outside.height,
            "examples": str([*unlike.sort(_KEY).head(3).to_dicts(), *outside.sort(_KEY).head(3).to_dicts()]),
        },
    )


def _moved(figures: pl.DataFrame) -> pl.DataFrame:
    """Give, of each figure that has one before it, the period of that and the log change from it."""
    before = figures.sort(_KEY).with_columns(
        figure_before=pl.col("period").shift(1).over(_FIGURE),
        change=pl.col("log_index") - pl.col("log_index").shift(1).over(_FIGURE),
    )
    return before.filter(pl.col("figure_before").is_not_null()).select(*_KEY, "figure_before", "change")


def _unlike_movements(moved: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """Give the figures whose recorded movement is another, or from another period; one without the other, too."""
    both = moved.join(movements, on=_KEY, how="full", coalesce=True)
    alike = (pl.col("figure_before") == pl.col("previous_period")) & (
        (pl.col("change") - pl.col("movement")).abs() <= LARGEST_DIFFERENCE
    )
    return both.filter(~alike.fill_null(value=False))


def _children(store: Warehouse, figures: pl.DataFrame) -> pl.DataFrame:
    """Give the log levels of what each figure is made of: retailers of items, items of classes, classes of divisions.

    Children without weight may be among them; they widen the bounds.
    """
    year = [daily_recipe().weights_year]
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
        pl.col("log_index").alias("log_level"),
    )
    return pl.concat([store.frame(_ELEMENTARY), within], how="vertical_relaxed")


def _bounds(moved: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """Give the least and the largest movement of the children of each figure whose children are the same as before."""
    counts = children.group_by(_KEY).agg(children=pl.len())
    now = moved.join(children, on=_KEY)
    before = children.rename({"period": "figure_before", "log_level": "log_before"})
    stays = now.join(before, on=[*_FIGURE, "figure_before", "child", "segment"])
    change = pl.col("log_level") - pl.col("log_before")
    found = stays.group_by(*_KEY, "figure_before", "change").agg(
        stay=pl.len(), least=change.min(), largest=change.max()
    )
    counted = found.join(counts, on=_KEY).join(
        counts.rename({"period": "figure_before", "children": "children_before"}), on=[*_FIGURE, "figure_before"]
    )
    same = (pl.col("stay") == pl.col("children")) & (pl.col("stay") == pl.col("children_before"))
    return counted.filter(same).drop("stay", "children", "children_before")


CHECKS: list[dg.AssetChecksDefinition] = [recipe_figures_move_with_their_children]
