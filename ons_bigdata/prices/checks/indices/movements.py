"""Checks of published indices: they move by their recorded movements, and between their children."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.by_period import days_to_check, record_passed
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.origins import current_recipes

LARGEST_DIFFERENCE = 1e-9
"""Of logarithms: allowance for rounding."""

_FIGURE = ["data_origin", "level", "code", "recipe", "method", "scope"]
_KEY = [*_FIGURE, "period"]

_SAME = " and ".join(f"other.{name} = figures.{name}" for name in _FIGURE)

_FOLLOWING = f"""
select distinct other.period::text
from analysis.aggregate_price_indices as figures
cross join lateral (
    select period
    from analysis.aggregate_price_indices as other
    where {_SAME} and other.period > figures.period and other.index is not null
    order by other.period
    limit 1
) as other
where figures.period = any ($1::text[]::date[])
"""  # noqa: S608  (our own names)
"""Periods of the figures that follow those of some periods."""

_CHANGES = f"""
select {", ".join(f"figures.{name}" for name in _KEY)},
    other.period as figure_before, ln(figures.index) - ln(other.index) as change
from analysis.aggregate_price_indices as figures
cross join lateral (
    select period, index
    from analysis.aggregate_price_indices as other
    where {_SAME} and other.period < figures.period and other.index is not null
        and other.base_period is not distinct from figures.base_period
    order by other.period desc
    limit 1
) as other
where figures.period = any ($1::text[]::date[]) and figures.index is not null
"""  # noqa: S608  (our own names)
"""Log change of the figures of some periods since the figure before each; those of two bases have no common scale."""

_FIGURES = """
select data_origin, level, code, recipe, method, scope, period, ln(index) as log_index
from analysis.aggregate_price_indices
where index is not null and period = any ($1::text[]::date[])
"""

_MOVEMENTS = """
select data_origin, level, code, recipe, method, scope, period, previous_period, movement
from analysis.price_index_movements
where period = any ($1::text[]::date[])
"""

_ELEMENTARY = """
select data_origin, 'item' as level, item_number::text as code, recipe, method, scope, period,
    retailer as child, segment, ln(segment_index) as log_index
from analysis.elementary_price_indices
where segment_index is not null and period = any ($1::text[]::date[])
"""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "aggregate_price_indices"]),
    additional_deps=[dg.AssetKey(["analysis", "elementary_price_indices"])],
    blocking=True,
    description=(
        "Published indices move by no less and no more than their retailers, items or classes do: an index that is"
        " inverted on its way up cannot pass. Reads the periods that it has not passed yet."
    ),
)
def figures_move_with_their_children(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare the log change of each figure with the least and the largest of its children, computed from their levels.

    A parent is a mean of its children. They are compared where the same children have an index, in the same segment, in
    both periods; where a child comes, goes or starts again, its parent may leave these bounds. Warn where figures have
    a predecessor and no movement of any period could be compared: the check would pass without a test.
    """
    store = warehouse.open()
    name, tables = "checks.figures_move_with_their_children", ("aggregate_price_indices", "elementary_price_indices")
    unlike = days_to_check(store, name, {f"analysis.{table}": "period" for table in tables}, [__name__])
    moved = _log_changes(store, unlike.days)
    bounds = _bounds(moved, _children(store, moved))
    outside = bounds.filter(
        (pl.col("change") < pl.col("least") - LARGEST_DIFFERENCE)
        | (pl.col("change") > pl.col("largest") + LARGEST_DIFFERENCE)
    )
    untested = bounds.is_empty() and not moved.is_empty() and unlike.is_every_day
    if outside.is_empty() and not untested:
        record_passed(store, name, unlike)
    return dg.AssetCheckResult(
        passed=outside.is_empty() and not untested,
        severity=dg.AssetCheckSeverity.WARN if untested else dg.AssetCheckSeverity.ERROR,
        metadata={
            "periods_read": len(unlike.hashes),
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
    description=(
        "The recorded movements are those of the published indices: each figure has its movement. Reads the periods"
        " that it has not passed yet."
    ),
)
def movements_are_those_of_figures(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare the log change of each figure from its predecessor with the recorded movement; neither may be missing."""
    store = warehouse.open()
    name, tables = "checks.movements_are_those_of_figures", ("aggregate_price_indices", "price_index_movements")
    of_tables = days_to_check(store, name, {f"analysis.{table}": "period" for table in tables}, [__name__])
    periods = _with_following(store, of_tables.days)
    moved = _log_changes(store, periods)
    unlike = _differing_movements(moved, store.frame(_MOVEMENTS, [periods or "{}"]))
    if unlike.is_empty():
        record_passed(store, name, of_tables)
    return dg.AssetCheckResult(
        passed=unlike.is_empty(),
        metadata={
            "periods_read": len(of_tables.hashes),
            "movements": moved.height,
            "unlike_recorded": unlike.height,
            "examples": str(unlike.sort(_KEY).head(5).to_dicts()),
        },
    )


def _with_following(store: Warehouse, periods: Sequence[str]) -> list[str]:
    """Periods, and those of the figures that follow: their movements begin at figures of these periods."""
    return sorted({*periods, *(period for (period,) in store.rows(_FOLLOWING, [list(periods) or "{}"]))})


def _log_changes(store: Warehouse, periods: Sequence[str]) -> pl.DataFrame:
    """Key, period before (`figure_before`) and log change of the figures of some periods."""
    return store.frame(_CHANGES, [list(periods) or "{}"])


def _differing_movements(moved: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """Figures whose recorded movement differs, is from another period or is missing, and movements without a figure."""
    both = moved.join(movements, on=_KEY, how="full", coalesce=True)
    alike = (pl.col("figure_before") == pl.col("previous_period")) & (
        (pl.col("change") - pl.col("movement")).abs() <= LARGEST_DIFFERENCE
    )
    return both.filter(~alike.fill_null(value=False))


def _children(store: Warehouse, moved: pl.DataFrame) -> pl.DataFrame:
    """Log indices of the children of moved figures: retailers of items, items of classes, classes of divisions.

    They have those of all figures of the periods. Children without weight may be among them; they widen the bounds.
    """
    periods = pl.concat([moved["period"], moved["figure_before"]]).unique().sort().cast(pl.String).to_list() or "{}"
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
    within = (
        store.frame(_FIGURES, [periods])
        .join(pl.concat([items, classes]), on=["level", "code"])
        .select(
            "data_origin",
            pl.col("parent_level").alias("level"),
            pl.col("parent").alias("code"),
            *["recipe", "method", "scope", "period"],
            pl.col("code").alias("child"),
            pl.lit(0, pl.Int32).alias("segment"),
            "log_index",
        )
    )
    return pl.concat([store.frame(_ELEMENTARY, [periods]), within], how="vertical_relaxed")


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
