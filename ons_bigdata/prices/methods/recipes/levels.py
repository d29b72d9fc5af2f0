"""One level of the tree of indices: parents averaged from their children by connected part, with their coverage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import (
    ABSENT,
    Children,
    LinkState,
    Parents,
    aggregated_from_state,
    aggregated_with_state,
)
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


class PartGroup(NamedTuple):
    """Parts with the same base and periods: their parents, their places among all parts, and one of them."""

    parents: Integers
    places: Integers
    part: BasePart


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

    @property
    def owners(self) -> Integers:
        """Parent of each part, the parts of all parents in their order."""
        return np.repeat(np.arange(len(self.parts)), [len(parts) for parts in self.parts])

    @property
    def most_parts(self) -> int:
        """Largest number of parts of a parent."""
        return max(map(len, self.parts))

    def groups(self) -> list[PartGroup]:
        """Parts with the same base and periods."""
        grouped: dict[tuple[bytes, bytes], tuple[list[int], BasePart]] = {}
        for place, part in enumerate(part for parts in self.parts for part in parts):
            key = (part.base.tobytes(), part.periods.tobytes())
            grouped.setdefault(key, ([], part))[0].append(place)
        owners = self.owners
        return [PartGroup(owners[places], np.array(places), part) for places, part in grouped.values()]

    def of_parents(self, rows: slice) -> LevelBases:
        """Parts of some of the parents."""
        return LevelBases(self.parts[rows], self.numbers[:, rows], self.has_rows[:, rows])

    def of_periods(self, rows: slice) -> LevelBases:
        """Parts in some of the periods."""
        parts = [
            [replace(part, periods=part.periods[rows], base=part.base[rows]) for part in of_parent]
            for of_parent in self.parts
        ]
        return LevelBases(parts, self.numbers[rows], self.has_rows[rows])

    def may_be_divided_at(self, period: int) -> bool:
        """True if a block of periods may begin at a period: the base of each part is before it, or no period is."""
        return all(
            not part.base.any() or not part.base[period:].any() or not part.periods[:period].any()
            for parts in self.parts
            for part in parts
        )

    def children(self, *, priced: bool = False) -> Booleans:
        """Mask of the children that count in the part of each figure: periods x parents x children.

        `priced`: of those that have quotes in it.
        """
        masks = np.zeros((*self.numbers.shape, len(self.parts[0][0].children)), dtype=np.bool_)
        for parent, parts in enumerate(self.parts):
            for part in parts:
                masks[part.periods, parent] = part.priced_children if priced else part.children
        return masks


@dataclass(frozen=True, eq=False)
class LevelState:
    """Where the figures of a level are after a period.

    `links`: of the parts of all parents, in their order, in the place of the parents. `last_segments`: segment of each
    child's last period with a value in the part, parts x children, -1 where there is none.
    """

    links: LinkState
    last_segments: Integers

    @staticmethod
    def before_base(bases: LevelBases, children: int) -> LevelState:
        """State before the first period."""
        parts = len(bases.owners)
        return LevelState(LinkState.before_base(1, parts, children), np.full((parts, children), ABSENT))


def aggregated_by_part(
    children: Children, bases: LevelBases, before: LinkState | None = None, *, with_movements: bool = False
) -> tuple[Parents, LinkState]:
    """Average children into parents as `aggregation.linked.aggregated`, each connected part over its own base.

    `before`: state of the parts of all parents before the first period, None where nothing is before it. Returns the
    state after the last period, too.
    """
    shape = children.levels.shape
    course = Parents(
        np.full(shape[:3], np.nan),
        np.full(shape[:3], np.nan),
        np.full(shape, np.nan) if with_movements else None,
        np.full(shape, np.nan) if with_movements else None,
    )
    state = before or LinkState.before_base(shape[1], len(bases.owners), shape[3])
    for group in bases.groups():
        averaged, after = _aggregated_group(children, group, state, with_movements=with_movements)
        state = state.with_parents(group.places, after)
        figures = np.ix_(np.flatnonzero(group.part.periods), np.arange(shape[1]), group.parents)
        for whole, own in zip(_arrays(course), _arrays(averaged), strict=True):
            whole[figures] = own[group.part.periods]
    return course, state


def _aggregated_group(
    children: Children, group: PartGroup, before: LinkState, *, with_movements: bool
) -> tuple[Parents, LinkState]:
    """Average the children of the parts of a group: from their base on, or from the state after it."""
    part = group.part
    if len(group.parents) == len(children.weights) == len(before.parent[0]):
        of_part = children  # of all parents: no copy of what may be many replicates
    else:
        of_part = Children(
            children.levels[:, :, group.parents],
            children.segments[:, :, group.parents],
            children.weights[group.parents],
            children.shares[:, group.parents],
        )
    if not part.periods.all():
        apart = ~part.periods[:, None, None, None]
        levels, segments = np.where(apart, np.nan, of_part.levels), np.where(apart, ABSENT, of_part.segments)
        of_part = replace(of_part, levels=levels, segments=segments)
    if part.base.any():
        return aggregated_with_state(of_part, part.base, with_movements=with_movements)
    return aggregated_from_state(of_part, before.of_parents(group.places), with_movements=with_movements)


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


def level_figures(
    tree: TreeLevel, below: Members, bases: LevelBases, before: LevelState | None = None
) -> tuple[LevelFigures, LevelState]:
    """Aggregate the members of the level below into those of a level.

    `bases`: connected parts of the parents. `before`: state before the first period, None where nothing is before it.
    Returns the state after the last period, too.
    """
    indices = tree.gather(below.indices, np.nan)
    segments = tree.gather(below.segments, ABSENT)
    shares = np.nan_to_num(tree.gather(below.imputed_share, 0.0))
    state = before or LevelState.before_base(bases, indices.shape[2])
    children = Children(indices[:, None], segments[:, None], tree.weights, shares)
    parents, links = aggregated_by_part(children, bases, state.links)
    present = np.isfinite(indices) & (tree.weights > 0)
    index = parents.index[:, 0]
    members = Members(
        indices=index,
        segments=np.where(np.isfinite(index), bases.numbers, ABSENT),
        imputed_share=parents.imputed_share[:, 0],
        products=np.where(present, tree.gather(below.products, 0), 0).sum(axis=2),
        retailers=np.any(tree.gather(below.retailers, missing=False), axis=3),
    )
    weighted = (bases.children() & (tree.weights > 0)).sum(axis=2)
    restarted, last_segments = _restarted(segments, bases, state.last_segments)
    reasons = _reasons(tree, present, restarted, index, (bases, np.isfinite(links.base_logs[0])))
    figures = LevelFigures(tree, members, weighted, weighted - present.sum(axis=2), reasons)
    return figures, LevelState(links, last_segments)


def _restarted(segments: Integers, bases: LevelBases, last_segments: Integers) -> tuple[Booleans, Integers]:
    """Mask of the children that begin a new segment: periods x parents x children; and their segments after them.

    `last_segments`: before the first period, parts x children.
    """
    restarted = np.zeros(segments.shape, dtype=np.bool_)
    after = last_segments.copy()
    for parents, places, part in bases.groups():
        of_part = np.where(part.periods[:, None, None], segments[:, parents], ABSENT)
        course = np.concatenate([last_segments[places][None], of_part])
        previous = previous_rows(course >= 0)
        earlier = np.take_along_axis(course, np.maximum(previous, 0), axis=0)
        begins = ((previous >= 0) & (course != earlier))[1:]
        restarted[np.ix_(part.periods, parents)] = begins[part.periods]
        there = course >= 0
        last = len(course) - 1 - there[::-1].argmax(axis=0)
        after[places] = np.where(there.any(axis=0), np.take_along_axis(course, last[None], axis=0)[0], ABSENT)
    return restarted, after


def _reasons(
    tree: TreeLevel, present: Booleans, restarted: Booleans, index: Floats, based: tuple[LevelBases, Booleans]
) -> list[list[str | None]]:
    """Per period and parent: why there is no index, which children are absent, which begin a new segment.

    `based`: the connected parts, and which of them have a value in their base.
    """
    bases, has_base = based
    first_places = np.searchsorted(bases.owners, np.arange(len(tree.names)))
    anchored = has_base[first_places + bases.numbers]
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
