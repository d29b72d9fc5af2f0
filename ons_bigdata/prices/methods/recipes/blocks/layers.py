"""Layers of the diagnostics: resampled indices, movements in parts and counts of the members of one level of the tree.

A layer is computed from the one below it, for a block of periods, and from the state of the level before the block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT, Children, LinkState
from ons_bigdata.prices.methods.recipes.levels import aggregated_by_part
from ons_bigdata.prices.methods.recipes.movements import ChildMovements, LastFigures, parent_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.levels import LevelBases
    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

COUNTS = ("products", "products_used", "quotes", "quotes_undecided", "filtered")
MOST_CELLS = 2_000_000
"""Children in one array at a time (periods x replicates x children), which bounds the memory."""

KEPT_PERIODS = 7
"""Periods of replicates that are kept for changes: a week of days, or the period before."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Members of one level in a block of periods, on the last axis (of `parts` on the one before).

    `indices`, `segments`: published, periods x members. `parts_of`: connected part of the member, periods x members.
    `previous`: number of the member's period before that has an index, -1 where there is none. `replicates`,
    `replicate_segments`: periods x B x members. `imputed_share`: of the published index. `movements`: log movement from
    the period before; `parts`: in five parts, periods x members x 5. `rejected`: mask of members absent since their
    quotes were judged faulty. `counts`: of `COUNTS`. `revisions`, `drift`: log, nan where there is none. `sampled`:
    share of the member's weight that can be resampled.
    """

    indices: Floats
    segments: Integers
    parts_of: Integers
    previous: Integers
    replicates: Floats
    replicate_segments: Integers
    imputed_share: Floats
    movements: Floats
    parts: Floats
    rejected: Booleans
    counts: dict[str, Integers]
    revisions: Floats
    drift: Floats
    sampled: Floats


@dataclass(frozen=True, eq=False)
class RecentReplicates:
    """Replicates of the last periods of a level, with which changes since then are compared.

    `replicates`: periods x B x members. `has_index`, `parts_of`: of the published figure, periods x members.
    """

    replicates: Floats
    has_index: Booleans
    parts_of: Integers

    @staticmethod
    def none(replicates: int, members: int) -> RecentReplicates:
        """No period."""
        empty = np.zeros((0, members))
        return RecentReplicates(np.zeros((0, replicates, members)), empty > 0, empty.astype(np.int64))

    def followed_by(self, layer: Layer) -> RecentReplicates:
        """Periods of before and those of a layer."""
        return RecentReplicates(
            np.concatenate([self.replicates, layer.replicates]),
            np.concatenate([self.has_index, np.isfinite(layer.indices)]),
            np.concatenate([self.parts_of, layer.parts_of]),
        )

    def last(self) -> RecentReplicates:
        """The periods that later ones may be compared with."""
        rows = slice(max(0, len(self.replicates) - KEPT_PERIODS), None)
        return RecentReplicates(self.replicates[rows].copy(), self.has_index[rows], self.parts_of[rows])


@dataclass(frozen=True, eq=False)
class LayerState:
    """State of a level before a block of periods.

    `links`, `replicate_links`: of the published figures and of the replicates, by connected part of each parent.
    `figures`: last figures of the parents. `away`: mask of the children absent in these since their quotes were judged
    faulty, parts x parents x children. `recent`: replicates of the last periods.
    """

    links: LinkState
    replicate_links: LinkState
    figures: LastFigures
    away: Booleans
    recent: RecentReplicates

    def without_replicates(self) -> LayerState:
        """State of the published figures alone."""
        links = self.replicate_links
        none = LinkState.before_base(0, links.parent.shape[1], links.levels.shape[2])
        recent = replace(self.recent, replicates=self.recent.replicates[:, :0])
        return replace(self, replicate_links=none, recent=recent)

    @staticmethod
    def none(tree: TreeLevel, bases: LevelBases, replicates: int) -> LayerState:
        """State before the first period of all."""
        parents, children = tree.weights.shape
        parts = bases.most_parts
        return LayerState(
            LinkState.before_base(1, len(bases.owners), children),
            LinkState.before_base(replicates, len(bases.owners), children),
            LastFigures.none(parts, parents),
            np.zeros((parts, parents, children), dtype=np.bool_),
            RecentReplicates.none(replicates, parents),
        )


def level_layer(
    tree: TreeLevel, below: Layer, published: Mapping[str, Floats], bases: LevelBases, before: LayerState
) -> tuple[Layer, LayerState]:
    """Carry replicates, parts and counts up one level, by the rule of the published figures.

    `published`: index and imputed_share of the figures, periods x parents. `bases`: connected parts in the block's
    periods. Returns the state after the block, too.
    """
    indices = tree.gather(below.indices, np.nan)
    shares = np.nan_to_num(tree.gather(below.imputed_share, 0.0))
    segments = tree.gather(below.segments, ABSENT)
    children = Children(indices[:, None], segments[:, None], tree.weights, shares)
    parents, links = aggregated_by_part(children, bases, before.links, with_movements=True)
    if parents.before is None or parents.after is None:
        message = "movements were not kept"
        raise ValueError(message)
    index, present = published["index"], np.isfinite(indices) & (tree.weights > 0)
    previous = before.figures.previous(index, bases.numbers)
    movements = before.figures.movements(index, bases.numbers, previous)
    rejected = tree.gather(below.rejected, missing=False)
    away = rejected & ~present
    of_children = ChildMovements(
        previous=tree.gather(below.previous, -1),
        present=present,
        parts=np.moveaxis(tree.gather(np.moveaxis(below.parts, 2, 0), np.nan), 0, 3),
        rejected=away | _away_before(away, previous, bases, before),
    )
    replicates, replicate_links = _replicates(tree, below, bases, (shares, before.replicate_links))
    part_weights = np.where(bases.children(), tree.weights, 0.0)
    numbers = bases.numbers[:, None]
    layer = Layer(
        indices=index,
        segments=np.where(np.isfinite(index), bases.numbers, ABSENT),
        parts_of=bases.numbers,
        previous=previous,
        replicates=replicates,
        replicate_segments=np.where(np.isfinite(replicates), numbers, ABSENT),
        imputed_share=published["imputed_share"],
        movements=movements,
        parts=parent_parts(parents.before[:, 0], parents.after[:, 0], tree.weights, previous, movements, of_children),
        rejected=away.any(axis=2),
        counts={name: tree.gather(values, 0).sum(axis=2) for name, values in below.counts.items()},
        revisions=_weighted(tree.weights, tree.gather(below.revisions, np.nan)),
        drift=_weighted(tree.weights, tree.gather(below.drift, np.nan)),
        sampled=_weighted(part_weights, np.where(bases.children(priced=True), tree.gather(below.sampled, 0.0), 0.0)),
    )
    after = LayerState(
        links,
        replicate_links,
        before.figures.after(index, bases.numbers),
        _last_away(away, index, bases, before),
        before.recent.followed_by(layer).last(),
    )
    return layer, after


def _away_before(away: Booleans, previous: Integers, bases: LevelBases, before: LayerState) -> Booleans:
    """Mask of the children absent in the period before of their parent since their quotes were judged faulty."""
    here = previous - before.figures.first
    rows = np.broadcast_to(np.maximum(here, 0)[:, :, None], away.shape)
    within = np.take_along_axis(away, rows, axis=0)
    parents = np.arange(away.shape[1])
    earlier = before.away[bases.numbers, parents]
    found: Booleans = np.where((here >= 0)[:, :, None], within, earlier) & (previous >= 0)[:, :, None]
    return found


def _last_away(away: Booleans, index: Floats, bases: LevelBases, before: LayerState) -> Booleans:
    """Mask of the children absent, since their quotes were judged faulty, in the last figure of each part."""
    last = before.away.copy()
    for part in range(len(last)):
        there = np.isfinite(index) & (bases.numbers == part)
        row = len(there) - 1 - there[::-1].argmax(axis=0)
        last[part] = np.where(
            there.any(axis=0)[:, None], np.take_along_axis(away, row[None, :, None], axis=0)[0], last[part]
        )
    return last


def _replicates(
    tree: TreeLevel, below: Layer, bases: LevelBases, given: tuple[Floats, LinkState]
) -> tuple[Floats, LinkState]:
    """Aggregate the replicates, some parents at a time; return the state after them, too.

    `given`: imputed shares of the children, and the state before.
    """
    shares, state = given
    periods, count, _ = below.replicates.shape
    if not count:
        return np.empty((periods, 0, len(tree.codes))), state
    cells = max(1, periods * count * tree.weights.shape[1])
    at_once = max(1, MOST_CELLS // cells)
    indices = np.full((periods, count, len(tree.codes)), np.nan)
    for first in range(0, len(tree.codes), at_once):
        rows = slice(first, first + at_once)
        place, weights = tree.place[rows], tree.weights[rows]
        known = place >= 0
        levels = np.where(known, below.replicates[:, :, np.maximum(place, 0)], np.nan)
        segments = np.where(known, below.replicate_segments[:, :, np.maximum(place, 0)], ABSENT)
        children = Children(levels, segments, weights, shares[:, rows])
        places = np.flatnonzero(np.isin(bases.owners, np.arange(len(tree.codes))[rows]))
        parents, after = aggregated_by_part(children, bases.of_parents(rows), state.of_parents(places))
        indices[:, :, rows] = parents.index
        state = state.with_parents(places, after)
    return indices, state


def _weighted(weights: Floats, values: Floats) -> Floats:
    """Mean over the children with a value, by weight; nan where none has."""
    there = np.isfinite(values)
    total = np.where(there, weights, 0.0).sum(axis=-1)
    summed = np.where(there, weights * np.nan_to_num(values), 0.0).sum(axis=-1)
    return np.divide(summed, total, where=total > 0, out=np.full(total.shape, np.nan))
