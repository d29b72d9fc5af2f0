"""Daily aggregate indices of the web prices: retailers to items, items to classes, classes to divisions.

Frames in and out, with what is said beside every figure; the rule itself is in `linked_aggregation`, other trees and
formulas in `aggregation`. Elementary indices are made in `jevons`; names and titles of codes are added later (dbt).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.aggregation.linked import ABSENT, Children, Parents, aggregated
from ons_bigdata.prices.methods.panels.input_checks import checked_columns, refuse_rows
from ons_bigdata.prices.methods.recipes.catalogue import Recipe, parameters_hash
from ons_bigdata.prices.methods.recipes.jevons import NO_BASE_WEEK, Week, week_text
from ons_bigdata.prices.methods.recipes.tree import EQUAL_WEIGHTS, listed
from ons_bigdata.prices.schemas import AggregateIndex, ElementaryIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

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
    children = _checked_indices(indices)
    known = _checked_weights(weights, children)
    if children.is_empty():
        return pl.DataFrame(schema=_OUT)
    days = children.select(pl.date_range(pl.col("period").min(), pl.col("period").max()))["period"]
    panel = _panel(children, known, days)
    base = days.is_between(*base_week).to_numpy() if base_week else np.zeros(len(days), dtype=np.bool_)
    found = aggregated(Children(panel.levels, panel.segments, panel.weights, panel.shares), base)
    reasons = [
        reason
        for place in range(len(panel.parents))
        for reason in _reasons(panel, place, found.index[:, 0, place], (base, base_week), child_kind)
    ]
    return _table(panel, found, days, reasons)


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
            message = f"base_weeks: no entry for data origin {origin}; found {listed(sorted(base_weeks))}"
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
            message = f"{kind} weights: {fault} for {listed(sorted(codes))}; expected one per {kind}"
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


def _checked_indices(indices: pl.DataFrame) -> pl.DataFrame:
    """Sort the children's levels."""
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
    return rows


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


@dataclass(frozen=True, eq=False)
class _Panel:
    """All parents with their children that have weight, in arrays of days x parents x children.

    `names`: each parent's children; `all_names`: those without weight, too. `levels`, `segments`: of one replicate.
    """

    parents: list[str]
    names: list[list[str]]
    all_names: list[list[str]]
    weights: Floats
    levels: Floats
    segments: Integers
    products: Integers
    shares: Floats

    @property
    def present(self) -> Booleans:
        """Tell which children have a value."""
        there: Booleans = self.segments[:, 0] >= 0
        return there


def _panel(children: pl.DataFrame, weights: pl.DataFrame, days: pl.Series) -> _Panel:
    parents = weights["parent"].unique(maintain_order=True)
    place = pl.DataFrame({"parent": parents}).with_row_index("place")
    weighing = weights.filter(pl.col("weight") > 0).with_columns(slot=pl.int_range(pl.len()).over("parent"))
    weighing = weighing.join(place, on="parent", maintain_order="left")
    slots = weighing["slot"].to_numpy()
    shape = (len(parents), 1 + int(slots.max(initial=0)))
    rows = children.filter(pl.col("level").is_not_null()).join(weighing, on=["parent", "child"])
    cells = tuple(rows.select((pl.col("period") - days[0]).dt.total_days(), "place", "slot").to_numpy().T)

    def spread(column: str, empty: _Scalar) -> NDArray[_Scalar]:
        array = np.full((len(days), *shape), empty)
        array[cells] = rows[column].to_numpy()
        return array

    weight = np.zeros(shape)
    weight[weighing["place"].to_numpy(), slots] = weighing["weight"].to_numpy()
    names: list[list[str]] = [[] for _ in parents]
    all_names: list[list[str]] = [[] for _ in parents]
    for found, own in ((names, weighing), (all_names, weights.join(place, on="parent", maintain_order="left"))):
        for of_parent, child in own.select("place", "child").iter_rows():
            found[of_parent].append(child)
    return _Panel(
        parents=parents.to_list(),
        names=names,
        all_names=all_names,
        weights=weight,
        levels=spread("level", np.float64(np.nan))[:, None],
        segments=spread("segment", np.int64(ABSENT))[:, None],
        products=spread("products", np.int64(0)),
        shares=spread("imputed_share", np.float64(0)),
    )


def _table(panel: _Panel, found: Parents, days: pl.Series, reasons: list[str | None]) -> pl.DataFrame:
    """Lay the figures out, one row per parent and day."""
    here = panel.present.sum(axis=2).T
    children = np.array([len(names) for names in panel.names])[:, None] + np.zeros_like(here)
    index = found.index[:, 0].T
    status = np.where(np.isnan(index), "none", np.where(here == children, "complete", "partial"))
    columns = {
        "parent": np.repeat(panel.parents, len(days)).tolist(),
        "period": pl.concat([days] * len(panel.parents)),
        "index": pl.Series(index.ravel(), nan_to_null=True),
        "products": panel.products.sum(axis=2).T.ravel(),
        "children": children.ravel(),
        "children_absent": (children - here).ravel(),
        "imputed_share": pl.Series(found.imputed_share[:, 0].T.ravel(), nan_to_null=True),
        "status": status.ravel().tolist(),
        "reason": reasons,
    }
    return pl.DataFrame(columns, schema_overrides=_OUT).select(pl.col(name).cast(dtype) for name, dtype in _OUT.items())


def _obstacle(panel: _Panel, place: int, base: Booleans, base_week: Week | None, kind: str) -> str | None:
    """Say why a parent can have no index at all, if so."""
    if not panel.names[place]:
        return f"all weights are zero or missing: {listed(panel.all_names[place])}"
    if base_week is None:
        return NO_BASE_WEEK
    if not panel.present[base, place].any():
        return f"no {kind} has a value in the base week {week_text(base_week)}: {listed(panel.names[place])}"
    return None


def _reasons(
    panel: _Panel, place: int, index: Floats, base: tuple[Booleans, Week | None], kind: str
) -> list[str | None]:
    """Say per day why a parent has no index, or else who was absent and whose chain began anew."""
    if (obstacle := _obstacle(panel, place, *base, kind)) is not None:
        return [obstacle] * len(index)
    names = np.array(panel.names[place], dtype=object)
    segments = panel.segments[:, 0, place, : len(names)]
    latest = np.full(len(names), ABSENT)
    reasons: list[str | None] = []
    for day, here in enumerate(segments >= 0):
        restarts = here & (latest >= 0) & (segments[day] != latest)
        latest[here] = segments[day, here]
        who = {"absent": ~here, "chain restarted": restarts}
        parts = [f"{what}: {listed(names[which])}" for what, which in who.items() if which.any()]
        if not here.any():
            parts = [f"no {kind} has a value on this day"]
        elif np.isnan(index[day]):
            parts = [f"no {kind} links this day to the base week", *parts]
        reasons.append("; ".join(parts) or None)
    return reasons
