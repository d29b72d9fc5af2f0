"""One level of the tree of indices: parents averaged from their children, with the coverage of each figure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT, Children, aggregated
from ons_bigdata.prices.methods.recipes.movements import previous_rows
from ons_bigdata.prices.methods.recipes.tree import EQUAL_WEIGHTS, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Members:
    """Indices of the members of one level: periods x members.

    `indices`: on any scale within a segment, nan where there is none; `segments`, -1 there. `imputed_share`: share of
    the weight that is imputed. `products`: compared in the members that have an index. `retailers`: periods x retailers
    x members, mask of those with an index.
    """

    indices: Floats
    segments: Integers
    imputed_share: Floats
    products: Integers
    retailers: Booleans


@dataclass(frozen=True, eq=False)
class LevelFigures:
    """Figures of one level: `members` (index 100 = base), and which of their children were absent.

    `children`: children with weight, by parent. `children_absent`, `reasons`: periods x parents.
    """

    tree: TreeLevel
    members: Members
    children: Integers
    children_absent: Integers
    reasons: list[list[str | None]]


def level_figures(tree: TreeLevel, below: Members, base: Booleans, base_text: str | None) -> LevelFigures:
    """Aggregate the members of the level below into those of a level. `base`: mask of the base periods."""
    indices = tree.gather(below.indices, np.nan)
    segments = tree.gather(below.segments, ABSENT)
    shares = np.nan_to_num(tree.gather(below.imputed_share, 0.0))
    parents = aggregated(Children(indices[:, None], segments[:, None], tree.weights, shares), base)
    present = np.isfinite(indices) & (tree.weights > 0)
    index = parents.index[:, 0]
    members = Members(
        indices=index,
        segments=np.where(np.isfinite(index), 0, ABSENT),
        imputed_share=parents.imputed_share[:, 0],
        products=np.where(present, tree.gather(below.products, 0), 0).sum(axis=2),
        retailers=np.any(tree.gather(below.retailers, missing=False), axis=3),
    )
    children = np.array([len(names) for names in tree.names])
    reasons = _reasons(tree, present, segments, index, (base, base_text))
    return LevelFigures(tree, members, children, children - present.sum(axis=2), reasons)


def _reasons(
    tree: TreeLevel, present: Booleans, segments: Integers, index: Floats, base: tuple[Booleans, str | None]
) -> list[list[str | None]]:
    """Per period and parent: why there is no index, which children are absent, which begin a new segment."""
    previous = previous_rows(segments >= 0)
    earlier = np.take_along_axis(segments, np.maximum(previous, 0), axis=0)
    restarted = (previous >= 0) & (segments != earlier)
    anchored = np.any(present[base[0]], axis=(0, 2)) if base[0].any() else np.zeros(len(tree.codes), dtype=np.bool_)
    reasons: list[list[str | None]] = []
    for period in range(len(present)):
        row: list[str | None] = []
        for parent, names in enumerate(tree.names):
            here = present[period, parent, : len(names)]
            notes = [f"absent: {listed([*compress(names, ~here)])}"] if not here.all() else []
            if restarted[period, parent].any():
                notes.append(f"chain restarted: {listed([*compress(names, restarted[period, parent])])}")
            if not np.isfinite(index[period, parent]):
                notes = [_obstacle(tree, parent, here, base[1], anchored=bool(anchored[parent])), *notes]
            if tree.codes[parent] in tree.equal:
                notes.append(EQUAL_WEIGHTS)
            row.append("; ".join(notes) or None)
        reasons.append(row)
    return reasons


def _obstacle(tree: TreeLevel, parent: int, here: Booleans, base_text: str | None, *, anchored: bool) -> str:
    if not tree.names[parent]:
        return "all weights are zero or missing"
    if base_text is None:
        return "no base period"
    if not anchored:
        return f"no {tree.kind} has a value in the base period {base_text}"
    if not here.any():
        return f"no {tree.kind} has a value in this period"
    return f"no {tree.kind} links this period to the base period"
