"""One level of the tree of indices: parents averaged from their children by connected part, with their coverage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT, Children, Parents, aggregated
from ons_bigdata.prices.methods.recipes.movements import previous_rows
from ons_bigdata.prices.methods.recipes.tree import EQUAL_WEIGHTS, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BasePart:
    """Connected part of the children of one parent, and its base.

    `strata`: mask of the retailers' items below that are of it, `children`: of the parent's children that count in it,
    `priced_children`: of those that have quotes in it. `periods`: mask of its periods; those of all parts of a parent
    are all periods, each once. `span`: number of periods from its first to its last quote. `base`: mask of the base
    periods, `base_text`: first..last day of the base, None where there is none. `notes`: remarks on each figure.
    """

    strata: Booleans
    children: Booleans
    priced_children: Booleans
    periods: Booleans
    span: int
    base: Booleans
    base_text: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LevelBases:
    """Connected parts of the parents of one level; one for each parent where its quotes have periods in common.

    `parts`: by parent. `numbers`: part of each figure, periods x parents. `has_rows`: mask of the figures that are
    published, null or not, periods x parents.
    """

    parts: list[list[BasePart]]
    numbers: Integers
    has_rows: Booleans

    def at(self, period: int, parent: int) -> BasePart:
        """Part of a figure."""
        return self.parts[parent][self.numbers[period, parent]]

    def groups(self) -> list[tuple[Integers, BasePart]]:
        """Parents (rows) whose parts have the same base and periods, with such a part."""
        grouped: dict[tuple[bytes, bytes], tuple[list[int], BasePart]] = {}
        for parent, parts in enumerate(self.parts):
            for part in parts:
                key = (part.base.tobytes(), part.periods.tobytes())
                grouped.setdefault(key, ([], part))[0].append(parent)
        return [(np.array(parents), part) for parents, part in grouped.values()]

    def of_parents(self, rows: slice) -> LevelBases:
        """Parts of some of the parents."""
        return LevelBases(self.parts[rows], self.numbers[:, rows], self.has_rows[:, rows])

    def children(self, *, priced: bool = False) -> Booleans:
        """Mask of the children that count in the part of each figure: periods x parents x children.

        `priced`: of those that have quotes in it.
        """
        masks = np.zeros((*self.numbers.shape, len(self.parts[0][0].children)), dtype=np.bool_)
        for parent, parts in enumerate(self.parts):
            for part in parts:
                masks[part.periods, parent] = part.priced_children if priced else part.children
        return masks


def aggregated_by_part(children: Children, bases: LevelBases, *, with_movements: bool = False) -> Parents:
    """Average children into parents as `aggregation.linked.aggregated`, each connected part over its own base."""
    groups = bases.groups()
    if len(groups) == 1 and groups[0][1].periods.all():
        return aggregated(children, groups[0][1].base, with_movements=with_movements)
    shape = children.levels.shape
    course = Parents(
        np.full(shape[:3], np.nan),
        np.full(shape[:3], np.nan),
        np.full(shape, np.nan) if with_movements else None,
        np.full(shape, np.nan) if with_movements else None,
    )
    for parents, part in groups:
        apart = ~part.periods[:, None, None, None]
        of_part = Children(
            np.where(apart, np.nan, children.levels[:, :, parents]),
            np.where(apart, ABSENT, children.segments[:, :, parents]),
            children.weights[parents],
            children.shares[:, parents],
        )
        averaged = aggregated(of_part, part.base, with_movements=with_movements)
        figures = np.ix_(np.flatnonzero(part.periods), np.arange(shape[1]), parents)
        for whole, own in zip(_arrays(course), _arrays(averaged), strict=True):
            whole[figures] = own[part.periods]
    return course


def _arrays(parents: Parents) -> list[Floats]:
    arrays = (parents.index, parents.imputed_share, parents.before, parents.after)
    return [array for array in arrays if array is not None]


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

    `children`: those with weight that are of the figure's part; they, `children_absent` and `reasons`: periods x
    parents.
    """

    tree: TreeLevel
    members: Members
    children: Integers
    children_absent: Integers
    reasons: list[list[str | None]]


def level_figures(tree: TreeLevel, below: Members, bases: LevelBases) -> LevelFigures:
    """Aggregate the members of the level below into those of a level. `bases`: connected parts of the parents."""
    indices = tree.gather(below.indices, np.nan)
    segments = tree.gather(below.segments, ABSENT)
    shares = np.nan_to_num(tree.gather(below.imputed_share, 0.0))
    parents = aggregated_by_part(Children(indices[:, None], segments[:, None], tree.weights, shares), bases)
    present = np.isfinite(indices) & (tree.weights > 0)
    index = parents.index[:, 0]
    members = Members(
        indices=index,
        segments=np.where(np.isfinite(index), bases.numbers, ABSENT),
        imputed_share=parents.imputed_share[:, 0],
        products=np.where(present, tree.gather(below.products, 0), 0).sum(axis=2),
        retailers=np.any(tree.gather(below.retailers, missing=False), axis=3),
    )
    children = (bases.children() & (tree.weights > 0)).sum(axis=2)
    reasons = _reasons(tree, present, segments, index, bases)
    return LevelFigures(tree, members, children, children - present.sum(axis=2), reasons)


def _reasons(
    tree: TreeLevel, present: Booleans, segments: Integers, index: Floats, bases: LevelBases
) -> list[list[str | None]]:
    """Per period and parent: why there is no index, which children are absent, which begin a new segment."""
    restarted = np.zeros(present.shape, dtype=np.bool_)
    anchored = np.zeros(present.shape[:2], dtype=np.bool_)
    for parents, part in bases.groups():
        of_part = np.where(part.periods[:, None, None], segments[:, parents], ABSENT)
        previous = previous_rows(of_part >= 0)
        earlier = np.take_along_axis(of_part, np.maximum(previous, 0), axis=0)
        figures = np.ix_(part.periods, parents)
        restarted[figures] = ((previous >= 0) & (of_part != earlier))[part.periods]
        anchored[figures] = np.any(present[part.base & part.periods][:, parents], axis=(0, 2))
    reasons: list[list[str | None]] = []
    for period in range(len(present)):
        row: list[str | None] = []
        for parent, every in enumerate(tree.names):
            part = bases.at(period, parent)
            names = [*compress(every, part.children)]
            here = present[period, parent, : len(every)][part.children[: len(every)]]
            notes = [f"absent: {listed([*compress(names, ~here)])}"] if not here.all() else []
            if restarted[period, parent].any():
                notes.append(f"chain restarted: {listed([*compress(every, restarted[period, parent])])}")
            if not np.isfinite(index[period, parent]):
                is_anchored = bool(anchored[period, parent])
                notes = [_obstacle(tree, parent, here, part.base_text, anchored=is_anchored), *notes]
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
