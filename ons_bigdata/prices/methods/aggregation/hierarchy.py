"""The tree of an aggregate in one link: parents, weights and means of its nodes, checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_no_keys, refuse_no_numbers, refuse_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

MEANS = ("arithmetic", "geometric")


@dataclass(frozen=True)
class Hierarchy:
    """The nodes of one tree or several, parents before children.

    `parents`: position of the parent, -1 for a root. `depths`: 0 for a root. `weights`: of the node among its siblings;
    nan where a root has none. `geometric`: whether the node averages its children geometrically.
    """

    names: tuple[str, ...]
    parents: Integers
    depths: Integers
    leaves: Booleans
    weights: Floats
    geometric: Booleans

    @cached_property
    def roots(self) -> Integers:
        """Position of the root of each node; a root is its own."""
        roots = np.arange(len(self.names))
        for n, parent in enumerate(self.parents):
            if parent >= 0:
                roots[n] = roots[parent]
        return roots

    def of_depth(self, depth: int) -> Integers:
        """Positions of the nodes of a depth."""
        return np.flatnonzero(self.depths == depth)


def hierarchy(tree: pl.DataFrame, weights: pl.DataFrame, *, mean: str) -> Hierarchy:
    """Order and check a tree: node, parent (null: a root) and optionally mean, by which the node averages its children.

    Nodes are text or whole numbers.

    `weights`: node, weight (≥ 0). A node without a weight of its own has the sum of its children's; the weights of
    siblings only matter as shares. `mean`: of nodes without one in the tree: one of `MEANS`.

    Raises ValueError on a node that occurs twice, a parent that is no node, a circle, an unknown mean, a weight that is
    negative, infinite or of an unknown node, a leaf without a weight, and siblings whose weights are all 0.
    """
    rows = _checked_tree(tree, mean)
    names = _ordered(dict(rows.select("node", "parent").iter_rows()))
    position = {name: n for n, name in enumerate(names)}
    parent_of = dict(rows.select("node", "parent").iter_rows())
    parents = np.array([-1 if parent_of[name] is None else position[parent_of[name]] for name in names], dtype=np.int64)
    depths = np.zeros(len(names), dtype=np.int64)
    for n, parent in enumerate(parents):
        depths[n] = 0 if parent < 0 else depths[parent] + 1
    leaves = ~np.isin(np.arange(len(names)), parents)
    means = dict(rows.select("node", "mean").iter_rows())
    given = _checked_weights(weights, position)
    return Hierarchy(
        names=names,
        parents=parents,
        depths=depths,
        leaves=leaves,
        weights=_summed(names, parents, leaves, given),
        geometric=np.array([means[name] == "geometric" for name in names], dtype=np.bool_),
    )


def nodes_and_leaves(tree: pl.DataFrame) -> tuple[set[str], set[str]]:
    """Nodes of a tree, and its leaves. Raises ValueError as `hierarchy` does."""
    rows = _checked_tree(tree, MEANS[0])
    nodes = set(_ordered(dict(rows.select("node", "parent").iter_rows())))
    return nodes, nodes - set(rows["parent"])


def _checked_tree(tree: pl.DataFrame, mean: str) -> pl.DataFrame:
    given = tree if "mean" in tree.columns else tree.with_columns(mean=pl.lit(None, pl.String))
    refuse_missing_columns(given, ("node", "parent"), "tree")
    refuse_no_keys(given, ("node", "parent"), "tree")
    if (found := given.schema["mean"]) not in (pl.String, pl.Null):
        message = f"tree: column mean is {found}, expected String"
        raise ValueError(message)
    rows = given.select(pl.col("node", "parent", "mean").cast(pl.String)).with_columns(pl.col("mean").fill_null(mean))
    nodes = rows["node"].unique()
    faults = {
        "no node": pl.col("node").is_null(),
        "a node that occurs before": pl.col("node").is_duplicated(),
        "a parent that is no node": ~pl.col("parent").is_in(nodes.implode()),
        f"an unknown mean (known: {', '.join(MEANS)})": ~pl.col("mean").is_in(MEANS),
    }
    refuse_rows(rows, faults, "tree")
    return rows


def _ordered(parent_of: Mapping[str, str | None]) -> tuple[str, ...]:
    """Order nodes with parents before children. Raises ValueError on a circle."""
    children: dict[str | None, list[str]] = {}
    for node, parent in parent_of.items():
        children.setdefault(parent, []).append(node)
    ordered: list[str] = []
    waiting = list(children.get(None, []))
    while waiting:
        ordered.append(node := waiting.pop(0))
        waiting += children.get(node, [])
    if len(ordered) < len(parent_of):
        circle = sorted(set(parent_of) - set(ordered))
        message = f"tree: {len(circle)} nodes hang from no root, but in a circle; the first: {circle[0]}"
        raise ValueError(message)
    return tuple(ordered)


def _checked_weights(weights: pl.DataFrame, position: Mapping[str, int]) -> Floats:
    """Weights in the order of the nodes; nan where none is given."""
    refuse_missing_columns(weights, ("node", "weight"), "weights")
    refuse_no_keys(weights, ["node"], "weights")
    refuse_no_numbers(weights, ["weight"], "weights")
    rows = weights.select(pl.col("node").cast(pl.String), pl.col("weight").cast(pl.Float64))
    bounded = pl.col("weight").is_finite() & (pl.col("weight") >= 0)
    faults = {
        "a node that occurs before": pl.col("node").is_duplicated(),
        "a node that is not in the tree": ~pl.col("node").is_in(list(position)),
        "a weight that is null, not finite or below 0": ~bounded.fill_null(value=False),
    }
    refuse_rows(rows, faults, "weights")
    given = np.full(len(position), np.nan)
    given[[position[node] for node in rows["node"]]] = rows["weight"].to_numpy()
    return given


def _summed(names: tuple[str, ...], parents: Integers, leaves: Booleans, given: Floats) -> Floats:
    """Fill in the weights of inner nodes without one by the sums of their children's, from the leaves up."""
    below = leaves & np.isnan(given) & (parents >= 0)
    if below.any():
        message = f"weights: no weight of leaf {names[int(np.flatnonzero(below)[0])]}; {below.sum()} leaves have none"
        raise ValueError(message)
    sums = np.zeros(len(given))
    weights = given.copy()
    for node in range(len(given) - 1, -1, -1):
        if np.isnan(weights[node]) and not leaves[node]:
            weights[node] = sums[node]
        if parents[node] >= 0:
            sums[parents[node]] += weights[node]
    empty = ~leaves & (sums == 0)
    if empty.any():
        message = f"weights: all children of {names[int(np.flatnonzero(empty)[0])]} have weight 0"
        raise ValueError(message)
    return weights
