"""Daily aggregate indices of the web prices: retailers to items, items to classes, classes to divisions.

An arithmetic mean of indices linked day by day, in which an absent child moves with those present. Other trees and
formulas: `aggregation`. Elementary indices are made in `jevons`; names and titles of codes are added later (dbt).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.jevons import NO_BASE_WEEK, Week, checked_columns, refuse_rows, week_text
from ons_bigdata.prices.methods.recipes import Recipe, parameters_hash
from ons_bigdata.prices.schemas import AggregateIndex, ElementaryIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

EQUAL_WEIGHTS = "retailers weighted equally: no stratum weights known"

_TEXT = pl.String()
_NUMBER = pl.Float64()
_KEYS = ["parent", "child", "period"]
_INDICES = {
    "parent": _TEXT, "child": _TEXT, "period": pl.Date(), "level": _NUMBER, "segment": pl.Int64(),
    "products": pl.Int64(), "imputed_share": _NUMBER,
}  # fmt: skip
_WEIGHTS = {"parent": _TEXT, "child": _TEXT, "weight": _NUMBER}
_OUT = {
    "parent": _TEXT, "period": pl.Date(), "index": _NUMBER, "products": pl.Int32(), "children": pl.Int32(),
    "children_absent": pl.Int32(), "imputed_share": _NUMBER, "status": _TEXT, "reason": _TEXT,
}  # fmt: skip
_NAMES_SHOWN = 5
_Scalar = TypeVar("_Scalar", bound=np.generic)


def aggregate(
    indices: pl.DataFrame, weights: pl.DataFrame, *, base_week: Week | None, child_kind: str = "child"
) -> pl.DataFrame:
    """Average the indices of children into those of their parents, day by day.

    `indices`: parent, child, period, level (> 0 on any scale, null where there is none), products, and
    optionally segment (0; a level is comparable within one segment only) and imputed_share (0; the part of
    the child itself that is imputed). `weights`: parent, child, weight (>= 0, base-week value shares on any
    scale, null where unknown); weight 0 takes no part, and a child without any row of indices is absent.

    Gives one row per parent of `indices` and calendar day from the first to the last period of the frame:
    parent, period, index (100 = geometric mean over the base week), products (of the children present),
    children, children_absent, imputed_share (of the weight, price-updated: w · level), status, reason.
    `index` is null with a reason where no child links to another day, where no child reaches the base week
    and where all weights of the parent are zero or missing. The rules are on the page
    `docs/prices/aggregation.md`; `child_kind` is what the reasons call a child.

    Raises ValueError on a repeated key, a level or weight out of bounds, and a child without a weight
    among children that have one. Source: ILO et al., Consumer Price Index Manual: Theory and
    Practice (2004), chapter 9 (missing prices and higher-level indices).
    """
    children = _checked_indices(indices, base_week)
    known = _checked_weights(weights, children)
    if children.is_empty():
        return pl.DataFrame(schema=_OUT)
    days = children.select(pl.date_range(pl.col("period").min(), pl.col("period").max()))["period"]
    children = children.with_columns(day=(pl.col("period") - days[0]).dt.total_days())
    in_week = days.is_between(*base_week).to_numpy() if base_week else np.zeros(len(days), dtype=bool)
    tables = []
    for (parent,), rows in children.partition_by("parent", as_dict=True).items():
        own = known.filter(pl.col("parent") == parent)
        panel = _panel(rows, own.filter(pl.col("weight") > 0), len(days))
        obstacle = _obstacle(panel, own["child"].to_list(), base_week, child_kind)
        course = _Course.blank(len(days)) if obstacle else _course(panel, in_week)
        reasons = [obstacle] * len(days) if obstacle else _reasons(course, panel, child_kind)
        tables.append(_table(panel, course).with_columns(days, parent=pl.lit(parent), reason=pl.Series(reasons)))
    return pl.concat(table.select(pl.col(name).cast(dtype) for name, dtype in _OUT.items()) for table in tables)


def aggregate_prices(
    elementary: pl.DataFrame,
    *,
    retailer_weights: pl.DataFrame,
    item_weights: pl.DataFrame,
    class_weights: pl.DataFrame,
    recipe: Recipe,
    base_weeks: Mapping[str, Week | None],
) -> pl.DataFrame:
    """Build items, classes and divisions from `ElementaryIndex` rows, per data origin and method.

    `retailer_weights`: data_origin, retailer, item_number, weight; an item for none of whose retailers there
    is a row is averaged equally, and its reason says so. `item_weights`: item_number, class_code, weight.
    `class_weights`: class_code, division_code, weight. Where one of them has a column weights_year, the rows
    of the recipe's year count. `base_weeks`: the base week of each data origin.

    Gives `AggregateIndex` rows, codes as text: item number, class and division code. Raises ValueError as
    `aggregate` does, and on an item or class that has no parent or two.
    """
    columns = ElementaryIndex.create_empty().drop("index", "reason").schema
    rows = checked_columns(elementary, columns, "elementary")
    stacks = []
    retailers = _of_year(retailer_weights, "retailer_weights", recipe, ["data_origin", "retailer", "item_number"])
    items = _of_year(item_weights, "item_weights", recipe, ["item_number", "class_code"])
    items = items.select("weight", parent="class_code", child=pl.col("item_number").cast(pl.String))
    classes = _of_year(class_weights, "class_weights", recipe, ["class_code", "division_code"])
    classes = classes.select("weight", parent="division_code", child="class_code")
    for (origin, method), part in sorted(rows.partition_by("data_origin", "method", as_dict=True).items()):
        if origin not in base_weeks:
            message = f"base_weeks: no entry for data origin {origin}; found {_listed(sorted(base_weeks))}"
            raise ValueError(message)
        week = base_weeks[str(origin)]
        own = retailers.filter(pl.col("data_origin") == origin)
        item = _items(part, own, week)
        class_ = _above(item, items, week, "item")
        levels = {"item": item, "class": class_, "division": _above(class_, classes, week, "class")}
        base_period = pl.lit(None if week is None else week_text(week), pl.String)
        labels = {"data_origin": pl.lit(origin), "method": pl.lit(method), "base_period": base_period}
        stacks += [frame.with_columns(**labels, level=pl.lit(level)) for level, frame in levels.items()]
    if not stacks:
        return AggregateIndex.create_empty()
    labelled = pl.concat(stacks).with_columns(
        code="parent", recipe=pl.lit(recipe.name), parameters_hash=pl.lit(parameters_hash(recipe))
    )
    return AggregateIndex.validate(labelled.select(AggregateIndex.column_names()), cast=True)


def _items(elementary: pl.DataFrame, weights: pl.DataFrame, week: Week | None) -> pl.DataFrame:
    """Average retailers into items: with the known weights, or equally where an item has none at all."""
    parent = pl.col("item_number").cast(pl.String)
    indices = elementary.select("period", "level", "segment", "products", parent=parent, child="retailer")
    known = weights.select("weight", parent=parent, child="retailer")
    equal = indices.select("parent", "child").unique().join(known, on="parent", how="anti")
    equal = equal.select(pl.lit(1.0).alias("weight"), "parent", "child")
    items = aggregate(indices, pl.concat([known, equal]), base_week=week, child_kind="retailer")
    note = pl.when(pl.col("parent").is_in(equal["parent"].unique().to_list())).then(pl.lit(EQUAL_WEIGHTS))
    reason = pl.concat_str("reason", note, separator="; ", ignore_nulls=True)
    return items.with_columns(reason=pl.when(reason != "").then(reason))


def _above(below: pl.DataFrame, weights: pl.DataFrame, week: Week | None, kind: str) -> pl.DataFrame:
    """Average one level of the classification into the next: `parent` of `below` is the child here."""
    repeated = weights.filter(pl.col("child").is_duplicated())["child"].unique()
    lost = below.join(weights, left_on="parent", right_on="child", how="anti")["parent"].unique()
    for codes, fault in ((repeated, "several rows of weights"), (lost, "no row of weights")):
        if len(codes) > 0:
            message = f"{kind} weights: {fault} for {_listed(sorted(codes))}; expected one per {kind}"
            raise ValueError(message)
    indices = below.rename({"parent": "child", "index": "level"}).join(weights, on="child")
    return aggregate(indices, weights, base_week=week, child_kind=kind)


def _of_year(weights: pl.DataFrame, name: str, recipe: Recipe, codes: Sequence[str]) -> pl.DataFrame:
    """Take the weights of the recipe's year, where the frame holds years."""
    columns = {code: pl.Int64() if code == "item_number" else _TEXT for code in codes} | {"weight": _NUMBER}
    if "weights_year" not in weights.columns:
        return checked_columns(weights, columns, name)
    checked = checked_columns(weights, {**columns, "weights_year": pl.Int64()}, name)
    of_year = checked.filter(pl.col("weights_year") == recipe.weights_year).drop("weights_year")
    if of_year.is_empty() and not checked.is_empty():
        years = checked["weights_year"].unique().sort().to_list()
        message = f"{name}: no row of weights_year {recipe.weights_year}; found {years}"
        raise ValueError(message)
    return of_year


def _checked_indices(indices: pl.DataFrame, base_week: Week | None) -> pl.DataFrame:
    """Sort the children's levels and scale each segment that reaches the base week to 1 over it."""
    defaults = {"segment": pl.lit(0), "imputed_share": pl.lit(0.0)}
    given = indices.with_columns(value.alias(name) for name, value in defaults.items() if name not in indices.columns)
    rows = checked_columns(given, _INDICES, "indices").sort(_KEYS)
    positive = pl.col("level").is_finite() & (pl.col("level") > 0)
    bounded = pl.col("imputed_share").is_between(0, 1) & (pl.col("products") >= 0)
    faults = {
        "a null in its key": pl.any_horizontal(pl.col([*_KEYS, "segment"]).is_null()),
        "a segment below 0": pl.col("segment") < 0,
        "a key that occurs before": pl.struct(_KEYS).is_duplicated(),
        "a level that is not positive and finite": ~positive,
        "products below 0 or an imputed_share outside 0 to 1": positive & ~bounded.fill_null(value=False),
    }
    refuse_rows("indices", rows, faults)
    segment = ["parent", "child", "segment"]
    in_week = pl.lit(value=False) if base_week is None else pl.col("period").is_between(*base_week)
    log_level = pl.col("level").log()
    rows = rows.with_columns(base_log=log_level.filter(in_week).mean().over(segment))
    return rows.with_columns(
        anchored=pl.col("base_log").is_not_null(),
        level=pl.when(pl.col("base_log").is_null()).then("level").otherwise((log_level - pl.col("base_log")).exp()),
    )


def _checked_weights(weights: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """Give parent, child, weight of each child; weight is null where the parent has none at all."""
    rows = checked_columns(weights, _WEIGHTS, "weights")
    bounded = pl.col("weight").is_finite() & (pl.col("weight") >= 0)
    faults = {
        "a null in its key": pl.any_horizontal(pl.col("parent", "child").is_null()),
        "a key that occurs before": pl.struct("parent", "child").is_duplicated(),
        "a weight that is not finite or is below 0": ~bounded,
    }
    refuse_rows("weights", rows, faults)
    rows = rows.join(children.select("parent").unique(), on="parent", how="semi")
    pairs = pl.concat([rows.select("parent", "child"), children.select("parent", "child")]).unique()
    all_pairs = pairs.join(rows, on=["parent", "child"], how="left").sort("parent", "child")
    partly = pl.col("weight").is_null() & (pl.col("weight").count().over("parent") > 0)
    refuse_rows("weights", all_pairs, {"no weight, where other children of the parent have one": partly})
    return all_pairs


@dataclass(frozen=True)
class _Panel:
    """The children of one parent that have weight, in arrays of days by children."""

    names: tuple[str, ...]
    weights: Floats
    levels: Floats  # 1 = the base week where `anchored`, else on the scale of the segment
    segments: Integers  # -1 where the child is absent
    anchored: Booleans  # the segment has a day in the base week
    products: Integers
    shares: Floats  # the part of the child that is imputed itself


@dataclass
class _State:
    """Where the children of one parent stand on one day of a walk."""

    levels: Floats  # nan where the child has not begun
    segments: Integers  # -2 where the child has not begun
    scales: Floats  # level on the parent's scale / level in the panel, of the present segment
    parent: float

    def copy(self) -> _State:
        """Copy the arrays too: a step changes them in place."""
        return _State(self.levels.copy(), self.segments.copy(), self.scales.copy(), self.parent)


@dataclass(frozen=True)
class _Course:
    """What a parent does over the days: its level and the share imputed; nan where there is none."""

    level: Floats
    share: Floats

    @staticmethod
    def blank(days: int) -> _Course:
        """Begin with no value on any day."""
        return _Course(np.full(days, np.nan), np.full(days, np.nan))


def _panel(rows: pl.DataFrame, weights: pl.DataFrame, days: int) -> _Panel:
    names = tuple(weights["child"])
    present = rows.filter(pl.col("level").is_not_null() & pl.col("child").is_in(names))
    child = present["child"].cast(pl.Enum(names)).to_physical().to_numpy()
    cells = (present["day"].to_numpy(), child)

    def spread(column: str, empty: _Scalar) -> NDArray[_Scalar]:
        array = np.full((days, len(names)), empty)
        array[cells] = present[column].to_numpy()
        return array

    return _Panel(
        names=names,
        weights=weights["weight"].to_numpy(),
        levels=spread("level", np.float64(np.nan)),
        segments=spread("segment", np.int64(-1)),
        anchored=spread("anchored", np.bool_(0)),
        products=spread("products", np.int64(0)),
        shares=spread("imputed_share", np.float64(np.nan)),
    )


def _step(panel: _Panel, day: int, state: _State) -> Booleans | None:
    """Move the state to a day. Give the children that entered on it, or None where nothing links to it."""
    w, before, today = panel.weights, state.levels.copy(), panel.levels[day]
    begun, present = ~np.isnan(before), panel.segments[day] >= 0
    stays = present & (panel.segments[day] == state.segments)
    scaled = present & ~stays & panel.anchored[day]
    joins = present & ~stays & ~scaled
    if stays.any():
        state.levels[stays] = state.scales[stays] * today[stays]
        movement = (w[stays] @ state.levels[stays]) / (w[stays] @ before[stays])
    elif scaled.any():
        # Nothing links the two days but the base week, to which both sides are scaled.
        movement = _mean(today, w, scaled) / (_mean(before, w, begun) if begun.any() else 1.0)
    else:
        return None
    state.parent *= movement
    state.levels[begun & ~present] *= movement
    state.levels[scaled], state.scales[scaled] = today[scaled], 1.0
    if joins.any():
        state.levels[joins] = _mean(state.levels, w, ~joins & ~np.isnan(state.levels))
        state.scales[joins] = state.levels[joins] / today[joins]
    state.segments[scaled | joins] = panel.segments[day, scaled | joins]
    return scaled | joins


def _walk(panel: _Panel, days: Iterable[int], state: _State, course: _Course) -> dict[int, _State]:
    """Step through the days and fill the course. Give, for each child that began, the state on that day."""
    began: dict[int, _State] = {}
    for day in days:
        new = np.isnan(state.levels)
        entered = _step(panel, day, state)
        if entered is None:
            continue
        began.update((int(child), state.copy()) for child in np.flatnonzero(entered & new))
        begun = ~np.isnan(state.levels)
        value = (panel.weights * state.levels)[begun]
        imputed = np.where(panel.segments[day] >= 0, panel.shares[day], 1.0)[begun]
        course.level[day], course.share[day] = state.parent, min(value @ imputed / value.sum(), 1.0)
    return began


def _back_to(start: _State, began: Mapping[int, _State]) -> _State:
    """Let each child that began later in a walk from `start` have moved with the parent until it did."""
    joined = start.copy()
    for child, then in began.items():
        joined.levels[child] = then.levels[child] * start.parent / then.parent
        joined.segments[child], joined.scales[child] = then.segments[child], then.scales[child]
    return joined


def _course(panel: _Panel, in_week: Booleans) -> _Course:
    """Walk from the first base-week day with a child: through the week, back to the start, on to the end.

    The children of the base week stand on one scale only in it, so the days before it are linked backwards
    from it, by the same step, as the days after it are linked forwards.
    """
    days, width = panel.segments.shape
    anchor = int(np.flatnonzero(panel.anchored.any(axis=1) & in_week)[0])
    week_end = int(np.flatnonzero(in_week)[-1])
    start = _State(np.full(width, np.nan), np.full(width, -2), np.full(width, np.nan), parent=1.0)
    _step(panel, anchor, start)
    began = _walk(panel, range(anchor + 1, week_end + 1), start.copy(), _Course.blank(days))
    start = _back_to(start, began)
    course = _Course.blank(days)
    began = _walk(panel, range(anchor - 1, -1, -1), start.copy(), course)
    _walk(panel, range(anchor, days), _back_to(start, began), course)
    week = course.level[in_week]
    return _Course(100.0 * course.level / np.exp(np.nanmean(np.log(week))), course.share)


def _mean(levels: Floats, weights: Floats, chosen: Booleans) -> float:
    return float((weights[chosen] @ levels[chosen]) / weights[chosen].sum())


def _table(panel: _Panel, course: _Course) -> pl.DataFrame:
    """Give the numbers of one parent, one row per day."""
    present = panel.segments >= 0
    status = np.where(present.all(axis=1), "complete", "partial")
    return pl.DataFrame(
        {
            "index": pl.Series(course.level, nan_to_null=True),
            "products": panel.products.sum(axis=1),
            "children": np.full(len(present), len(panel.names)),
            "children_absent": (~present).sum(axis=1),
            "imputed_share": pl.Series(course.share, nan_to_null=True),
            "status": np.where(np.isnan(course.level), "none", status).tolist(),
        }
    )


def _obstacle(panel: _Panel, names: Sequence[str], base_week: Week | None, kind: str) -> str | None:
    """Say why the parent can have no index at all, if so."""
    if not panel.names:
        return f"all weights are zero or missing: {_listed(names)}"
    if base_week is None:
        return NO_BASE_WEEK
    if not panel.anchored.any():
        return f"no {kind} has a value in the base week {week_text(base_week)}: {_listed(panel.names)}"
    return None


def _reasons(course: _Course, panel: _Panel, kind: str) -> list[str | None]:
    """Say per day why there is no index, or else who was absent and whose chain began anew."""
    present = panel.segments >= 0
    names, latest = np.array(panel.names, dtype=object), np.full(len(panel.names), -1)
    reasons: list[str | None] = []
    for day, here in enumerate(present):
        restarts = here & (latest >= 0) & (panel.segments[day] != latest)
        latest[here] = panel.segments[day, here]
        who = {"absent": ~here, "chain restarted": restarts}
        parts = [f"{what}: {_listed(names[which])}" for what, which in who.items() if which.any()]
        if not here.any():
            parts = [f"no {kind} has a value on this day"]
        elif np.isnan(course.level[day]):
            parts = [f"no {kind} links this day to the base week", *parts]
        reasons.append("; ".join(parts) or None)
    return reasons


def _listed(names: Sequence[str]) -> str:
    """Name the first five and count the others."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
