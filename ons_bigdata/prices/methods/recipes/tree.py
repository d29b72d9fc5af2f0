"""Tree of the indices in arrays: retailers in items, items in classes, classes in divisions, with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

EQUAL_WEIGHTS = "retailers weighted equally: no stratum weights known"

_NAMES_SHOWN = 5

_TEXT, _NUMBER, _WHOLE = pl.String(), pl.Float64(), pl.Int64()


@dataclass(frozen=True, eq=False)
class TreeLevel:
    """One level of the tree: its parents and the positions of their children in the level below.

    `name`: item, class or division. `kind`: of the children (retailer, item, class). `codes`: of the parents. `names`:
    of each parent's children with weight. `weights`: parents x children, 0 beyond a parent's children. `place`: parents
    x children, the child's position below, -1 where the level below lacks it. `equal`: parents whose children are
    weighted equally since no weight is known.
    """

    name: str
    kind: str
    codes: list[str]
    names: list[list[str]]
    weights: Floats
    place: Integers
    equal: frozenset[str]

    def gather(self, values: NDArray[Any], missing: object) -> NDArray[Any]:
        """Values of the members below (last axis) arranged as … x parents x children; `missing` where there is none."""
        arranged = np.take(values, np.maximum(self.place, 0), axis=-1)
        return np.where(self.place >= 0, arranged, np.asarray(missing, dtype=arranged.dtype))


@dataclass(frozen=True)
class TreeWeights:
    """Weights of one data origin and year.

    `retailers`: retailer, item_number, weight; an item without any row is averaged equally. `items`: item_number,
    class_code, weight. `classes`: class_code, division_code, weight.
    """

    retailers: pl.DataFrame
    items: pl.DataFrame
    classes: pl.DataFrame


def index_tree(strata: Sequence[tuple[str, int]], weights: TreeWeights) -> list[TreeLevel]:
    """Levels item, class and division over the retailers' items that have quotes.

    `strata`: retailers and items.

    Raises ValueError on an item or class without a weight or with two, on a weight below 0, and on a retailer without a
    weight in an item of which other retailers have one; names it.
    """
    known = checked_columns(
        weights.retailers, {"retailer": _TEXT, "item_number": _WHOLE, "weight": _NUMBER}, "retailer_weights"
    )
    items = checked_columns(
        weights.items, {"item_number": _WHOLE, "class_code": _TEXT, "weight": _NUMBER}, "item_weights"
    )
    classes = checked_columns(
        weights.classes, {"class_code": _TEXT, "division_code": _TEXT, "weight": _NUMBER}, "class_weights"
    )
    item_level = _items(strata, _nested(known, "item_number", "retailer", "retailer_weights"))
    upper = items.select(parent="class_code", child=pl.col("item_number").cast(pl.String), weight="weight")
    class_level = _above(item_level.codes, upper, "class", "item")
    top = classes.select(parent="division_code", child="class_code", weight="weight")
    return [item_level, class_level, _above(class_level.codes, top, "division", "class")]


def _items(strata: Sequence[tuple[str, int]], known: Mapping[str, dict[str, float]]) -> TreeLevel:
    place = {(str(item), retailer): n for n, (retailer, item) in enumerate(strata)}
    codes = sorted({item for item, _ in place})
    families: list[dict[str, float]] = []
    for item in codes:
        present = sorted(retailer for of_item, retailer in place if of_item == item)
        family = known.get(item)
        if family is not None and (lost := [retailer for retailer in present if retailer not in family]):
            message = f"retailer_weights: item {item}: no weight for {lost[0]}, where other retailers have one"
            raise ValueError(message)
        families.append(family if family is not None else dict.fromkeys(present, 1.0))
    positions = [
        {retailer: place.get((item, retailer), -1) for retailer in family}
        for item, family in zip(codes, families, strict=True)
    ]
    equal = frozenset(item for item in codes if item not in known)
    return _level(("item", "retailer"), codes, families, positions, equal)


def _above(below: list[str], weights: pl.DataFrame, name: str, kind: str) -> TreeLevel:
    repeated = weights.filter(pl.col("child").is_duplicated())["child"].unique().sort().to_list()
    lost = sorted(set(below) - set(weights["child"]))
    for found, fault in ((repeated, "several rows of weights"), (lost, "no row of weights")):
        if found:
            message = f"{kind} weights: {fault} for {', '.join(found[:5])}; expected one per {kind}"
            raise ValueError(message)
    nested = _nested(weights, "parent", "child", f"{kind} weights")
    place = {code: n for n, code in enumerate(below)}
    codes = sorted(parent for parent, family in nested.items() if any(child in place for child in family))
    families = [nested[code] for code in codes]
    positions = [{child: place.get(child, -1) for child in family} for family in families]
    return _level((name, kind), codes, families, positions, frozenset())


def _nested(weights: pl.DataFrame, parent: str, child: str, name: str) -> dict[str, dict[str, float]]:
    bounded = pl.col("weight").is_finite() & (pl.col("weight") >= 0)
    refuse_rows(weights, {"a weight that is not finite or is below 0": ~bounded.fill_null(value=False)}, name)
    nested: dict[str, dict[str, float]] = {}
    for of_parent, of_child, weight in weights.select(parent, child, "weight").sort(parent, child).iter_rows():
        nested.setdefault(str(of_parent), {})[str(of_child)] = float(weight)
    return nested


def _level(
    names: tuple[str, str],
    codes: list[str],
    families: Sequence[Mapping[str, float]],
    positions: Sequence[Mapping[str, int]],
    equal: frozenset[str],
) -> TreeLevel:
    """Level with the children that have weight."""
    kept = [[child for child, weight in family.items() if weight > 0] for family in families]
    width = max([1, *map(len, kept)])
    weights, place = np.zeros((len(codes), width)), np.full((len(codes), width), -1)
    for row, (children, family, where) in enumerate(zip(kept, families, positions, strict=True)):
        weights[row, : len(children)] = [family[child] for child in children]
        place[row, : len(children)] = [where[child] for child in children]
    return TreeLevel(*names, codes, kept, weights, place, equal)


def listed(names: Sequence[str]) -> str:
    """First five names, and the number of the rest."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
