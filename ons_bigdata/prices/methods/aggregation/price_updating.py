"""Price-updating of weights from the prices of their reference period to those of a link."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    is_single_value,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_rows,
)
from ons_bigdata.prices.methods.aggregation.hierarchy import nodes_and_leaves
from ons_bigdata.prices.methods.panels.input_checks import refuse_no_function, true_or_false

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def price_updated(
    weights: pl.DataFrame | pl.LazyFrame,
    tree: pl.DataFrame | pl.LazyFrame,
    link: Any,  # noqa: ANN401
    *,
    relative: Callable[[str, Any], float | None],
    geometric: bool,
) -> pl.DataFrame:
    """Update weights from the prices of their `reference` to those of `link`: w·I(link)/I(reference).

    `weights`: node, weight, reference (null: the link itself). `tree`: node, parent, optionally mean. `relative`: of a
    node and a reference, I(reference)/I(link), None where it is not known. An inner node without one has the mean of
    its children's, by their weights at the link; `geometric`: the mean of nodes without one in the tree.

    Raises ValueError where a column is missing, or a leaf has no index in the reference or in the link.
    Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9 (price-updating).
    """
    refuse_no_function("relative", relative)
    geometric = true_or_false("geometric", geometric)
    if not is_single_value(link):
        message = f"link: found {type(link).__name__}, expected a period"
        raise ValueError(message)
    weights, tree = eager_frame(weights, "weights"), eager_frame(tree, "tree")
    if "reference" not in weights.columns:
        message = "weights: column reference is missing; the Lowe index updates weights from the prices of a period"
        raise ValueError(message)
    refuse_missing_columns(weights, ("node", "weight"), "weights")
    refuse_no_keys(weights, ["node"], "weights")
    refuse_no_numbers(weights, ["weight"], "weights")
    nodes_and_leaves(tree)
    refuse_rows(weights.select("node", "weight"), {"a null": pl.any_horizontal(pl.all().is_null())}, "weights")
    rows = weights.with_columns(pl.col("node").cast(pl.String), pl.col("weight").cast(pl.Float64))
    given = {node: (weight, reference) for node, weight, reference in rows.select("node", "weight", "reference").rows()}
    means = tree["mean"].to_list() if "mean" in tree.columns else [None] * tree.height
    children: dict[str, list[str]] = {}
    for node, parent in tree.select("node", "parent").cast(pl.String).iter_rows():
        children.setdefault(parent, []).append(node)
    named = {node: mean == "geometric" for node, mean in zip(tree["node"].cast(pl.String), means, strict=True) if mean}
    update = _Update(given, children, named, link, relative, geometric)
    return rows.with_columns(weight=pl.Series([update.weight(node) for node in rows["node"]], dtype=pl.Float64))


@dataclass
class _Update:
    given: Mapping[str, tuple[float, Any]]
    children: Mapping[str, list[str]]
    named: Mapping[str, bool]
    link: Any
    known: Callable[[str, Any], float | None]
    geometric: bool
    updated: dict[str, float] = field(default_factory=dict)

    def weight(self, node: str) -> float:
        """Weight of a node at the link; the sum of its children's where none is given."""
        if node not in self.updated:
            if node not in self.given:
                self.updated[node] = sum(self.weight(child) for child in self.children.get(node, []))
            else:
                weight, reference = self.given[node]
                stays = reference is None or reference == self.link
                self.updated[node] = weight if stays else weight / self.relative(node, reference)
        return self.updated[node]

    def relative(self, node: str, reference: Any) -> float:  # noqa: ANN401
        """Relative I(reference)/I(link) of a node."""
        if (known := self.known(node, reference)) is not None:
            return known
        if node not in self.children:
            message = f"weights: {node} has no index in its reference {reference} or in the link {self.link}"
            raise ValueError(message)
        weights = np.array([self.weight(child) for child in self.children[node]])
        if not weights.sum() > 0:
            message = f"weights: all children of {node} have weight 0"
            raise ValueError(message)
        weighted = [(w, child) for w, child in zip(weights, self.children[node], strict=True) if w > 0]
        relatives = np.array([self.relative(child, reference) for _, child in weighted])
        shares = np.array([w for w, _ in weighted]) / weights.sum()
        if self.named.get(node, self.geometric):
            return float(np.exp(shares @ np.log(relatives)))
        return float(shares @ relatives)
