"""From children to parents: one level of the tree, with what is said beside every figure.

One pass over the point estimate (with its movements), one over the replicates. Frames are made in `recipe_figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT, Children, aggregated
from ons_bigdata.prices.methods.recipes.movements import ChildMovements, parent_parts, previous_rows
from ons_bigdata.prices.methods.recipes.tree import EQUAL_WEIGHTS, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

COUNTS = ("products", "products_used", "quotes", "referred", "filtered")
MOST_CELLS = 2_000_000
"""Children in one array at a time (periods x replicates x children): what bounds the memory."""


@dataclass(frozen=True, eq=False)
class Layer:
    """What is known of one level, whose members are on the last axis (of `parts` on the one before).

    `levels`, `segments`: periods x (point, full window) x members. `replicates`, `replicate_segments`: periods x B x
    members. `share`: imputed share of the point. `parts`: periods x members x 5, log movement since the member's own
    period before. `rejected`: the member is away since its quotes were judged faulty. `counts`: of `COUNTS`. `used`:
    products compared in the members that have a level. `retailers`: periods x retailers x members, has a level.
    `revisions`: log, nan where there is none. `sampled`: share of the member's weight that can be resampled.
    """

    levels: Floats
    segments: Integers
    replicates: Floats
    replicate_segments: Integers
    share: Floats
    parts: Floats
    rejected: Booleans
    counts: dict[str, Integers]
    used: Integers
    retailers: Booleans
    revisions: Floats
    sampled: Floats


@dataclass(frozen=True, eq=False)
class LevelFigures:
    """The figures of one level: `layer`, whose levels are indices (100 = base), and what was absent.

    `children`, `children_absent`, `reasons`: periods x parents (children: parents).
    """

    tree: TreeLevel
    layer: Layer
    children: Integers
    children_absent: Integers
    reasons: list[list[str | None]]


def level_figures(tree: TreeLevel, below: Layer, base: Booleans, base_text: str | None) -> LevelFigures:
    """Aggregate one level, the point estimate and each replicate by the same rule."""
    levels = _gathered(tree, below.levels, np.nan)
    segments = _gathered(tree, below.segments, ABSENT)
    shares = np.nan_to_num(_gathered(tree, below.share, 0.0))
    parents = aggregated(Children(levels, segments, tree.weights, shares), base, with_movements=True)
    present = np.isfinite(levels[:, 0]) & (tree.weights > 0)
    index = parents.index[:, 0]
    rejected = _gathered(tree, below.rejected, missing=False)
    there = np.isfinite(below.levels[:, 0])
    movements = ChildMovements(
        previous=_gathered(tree, previous_rows(there), -1),
        present=present,
        parts=np.moveaxis(_gathered(tree, np.moveaxis(below.parts, 2, 0), np.nan), 0, 3),
        rejected=rejected,
    )
    if parents.before is None or parents.after is None:
        message = "movements were not kept"
        raise ValueError(message)
    parts = parent_parts(parents.before[:, 0], parents.after[:, 0], tree.weights, index, movements)
    layer = Layer(
        levels=parents.index,
        segments=np.where(np.isfinite(parents.index), 0, ABSENT),
        replicates=(replicates := _replicates(tree, below, base, shares)),
        replicate_segments=np.where(np.isfinite(replicates), 0, ABSENT),
        share=parents.imputed_share[:, 0],
        parts=parts,
        rejected=(rejected & ~present).any(axis=2),
        counts={name: _gathered(tree, values, 0).sum(axis=2) for name, values in below.counts.items()},
        used=np.where(present, _gathered(tree, below.used, 0), 0).sum(axis=2),
        retailers=np.any(_gathered(tree, below.retailers, missing=False), axis=3),
        revisions=_weighted(tree.weights, _gathered(tree, below.revisions, np.nan)),
        sampled=_weighted(tree.weights, _gathered(tree, below.sampled, 0.0)),
    )
    absent = np.array([len(names) for names in tree.names]) - present.sum(axis=2)
    reasons = _reasons(tree, present, segments[:, 0], index, (base, base_text))
    return LevelFigures(tree, layer, np.array([len(names) for names in tree.names]), absent, reasons)


def _gathered(tree: TreeLevel, values: NDArray, missing: object) -> NDArray:
    return tree.gather(values, missing)


def _replicates(tree: TreeLevel, below: Layer, base: Booleans, shares: Floats) -> Floats:
    """Aggregate the replicates, some parents at a time."""
    periods, count, _ = below.replicates.shape
    cells = max(1, periods * count * tree.weights.shape[1])
    at_once = max(1, MOST_CELLS // cells)
    found = np.full((periods, count, len(tree.codes)), np.nan)
    for first in range(0, len(tree.codes), at_once):
        rows = slice(first, first + at_once)
        place, weights = tree.place[rows], tree.weights[rows]
        known = place >= 0
        levels = np.where(known, below.replicates[:, :, np.maximum(place, 0)], np.nan)
        segments = np.where(known, below.replicate_segments[:, :, np.maximum(place, 0)], ABSENT)
        children = Children(levels, segments, weights, shares[:, rows])
        found[:, :, rows] = aggregated(children, base).index
    return found


def _weighted(weights: Floats, values: Floats) -> Floats:
    """Average over children with a value, by weight; nan where none has."""
    there = np.isfinite(values)
    total = np.where(there, weights, 0.0).sum(axis=-1)
    summed = np.where(there, weights * np.nan_to_num(values), 0.0).sum(axis=-1)
    return np.divide(summed, total, where=total > 0, out=np.full(total.shape, np.nan))


def _reasons(
    tree: TreeLevel, present: Booleans, segments: Integers, index: Floats, base: tuple[Booleans, str | None]
) -> list[list[str | None]]:
    """Say per period and parent what is missing, in the words of `aggregation`."""
    previous = previous_rows(segments >= 0)
    earlier = np.take_along_axis(segments, np.maximum(previous, 0), axis=0)
    restarted = (previous >= 0) & (segments != earlier)
    anchored = np.any(present[base[0]], axis=(0, 2)) if base[0].any() else np.zeros(len(tree.codes), dtype=np.bool_)
    reasons: list[list[str | None]] = []
    for period in range(len(present)):
        row: list[str | None] = []
        for parent, names in enumerate(tree.names):
            here = present[period, parent, : len(names)]
            found = [f"absent: {listed([*compress(names, ~here)])}"] if not here.all() else []
            if restarted[period, parent].any():
                found.append(f"chain restarted: {listed([*compress(names, restarted[period, parent])])}")
            if not np.isfinite(index[period, parent]):
                found = [_obstacle(tree, parent, here, base[1], anchored=bool(anchored[parent])), *found]
            if tree.codes[parent] in tree.equal:
                found.append(EQUAL_WEIGHTS)
            row.append("; ".join(found) or None)
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
