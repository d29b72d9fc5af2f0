"""How levels move through a tree from period to period, within one link: means, missing nodes, re-entry.

Arrays in and out. Trees are in `hierarchy`, frames and links in `aggregation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.hierarchy import Hierarchy

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

MISSING = ("parent", "carry", "renormalise", "none")
REENTRIES = ("resume", "relink")
STEPWISE = ("parent", "carry")


@dataclass(frozen=True)
class Conventions:
    """What becomes of a node without a value.

    `missing`: "parent": it moves with its parent, that is with its siblings, and where those are missing, too, with the
    level above. "carry": it keeps its level; before its first value, as "parent". "renormalise": it takes no part, and
    the weights of the others make up the whole. "none": its parent has no value either.
    `reentry` of a leaf that returns ("parent" and "carry"): "resume": at its own level, so that its true change since
    it left enters then (self-correcting); "relink": at its imputed level; only its changes from then on count.
    """

    missing: str = "parent"
    reentry: str = "resume"


@dataclass
class State:
    """Where the nodes of a tree stand.

    `levels`: chained levels. `scales`: level = scale · own index; nan where a leaf has had no value yet. `own`: the
    leaves' own indices in the last period that had any.
    """

    levels: Floats
    scales: Floats
    own: Floats


@dataclass(frozen=True)
class Course:
    """The course of a link, periods × nodes: levels (nan: none), whether imputed, the weights a step began with."""

    levels: Floats
    imputed: Booleans
    weights: Floats


def walked(tree: Hierarchy, own: Floats, start: State, conventions: Conventions) -> Course:
    """Walk through the periods of a link, its first period included; leaves `start` where the walk ended.

    `own`: periods × nodes, indices of the leaves, nan where there is none. `start.levels`: the levels in the first.
    """
    base, shape = start.levels.copy(), own.shape
    course = Course(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_), np.zeros(shape))
    for t in range(shape[0]):
        course.weights[t] = tree.weights * start.levels / base
        if t == 0:
            _settle(tree, own[0], start, course)
        elif conventions.missing in STEPWISE:
            _step(tree, own[t], start, conventions, course, t)
        else:
            _compare(tree, own[t], start, base, conventions, course, t)
    return course


def _settle(tree: Hierarchy, own: Floats, state: State, course: Course) -> None:
    """Take the levels of the first period as they are; leaves that have a value begin there."""
    begins = tree.leaves & ~np.isnan(own) & np.isnan(state.scales)
    state.scales[begins] = state.levels[begins] / own[begins]
    state.own = np.where(np.isnan(own), np.nan, own)
    course.levels[0] = state.levels
    course.imputed[0] = _upwards_all(tree, tree.leaves & np.isnan(own))


def _upwards_all(tree: Hierarchy, absent: Booleans) -> Booleans:
    """Tell the nodes all of whose leaves are absent."""
    absent = absent.copy()
    for depth in _depths_upwards(tree):
        nodes = tree.of_depth(depth)
        present = np.bincount(tree.parents[nodes], weights=~absent[nodes], minlength=len(absent))
        inner = np.unique(tree.parents[nodes])
        absent[inner] = present[inner] == 0
    return absent


def _leaf_movements(tree: Hierarchy, own: Floats, state: State, conventions: Conventions) -> Floats:
    movements = np.full(len(own), np.nan)
    if conventions.reentry == "resume":
        movements[tree.leaves] = (state.scales * own / state.levels)[tree.leaves]
    else:
        movements[tree.leaves] = (own / state.own)[tree.leaves]
    if conventions.missing == "carry":
        kept = tree.leaves & np.isnan(own) & ~np.isnan(state.scales)
        movements[kept] = 1.0
    return movements


def _average(tree: Hierarchy, changes: Floats, weights: Floats, depth: int) -> None:
    """Fill in the changes of the parents of one depth's nodes, over the children that have one."""
    nodes = tree.of_depth(depth)
    nodes = nodes[~np.isnan(changes[nodes])]
    parents = tree.parents[nodes]
    geometric = tree.geometric[parents]
    weight = np.where(geometric, tree.weights[nodes], weights[nodes])
    value = np.where(geometric, np.log(changes[nodes]), changes[nodes])
    total = np.bincount(parents, weights=weight, minlength=len(changes))
    found = np.flatnonzero(total > 0)
    mean = np.bincount(parents, weights=weight * value, minlength=len(changes))[found] / total[found]
    changes[found] = np.where(tree.geometric[found], np.exp(mean), mean)


def _depths_upwards(tree: Hierarchy) -> range:
    return range(int(tree.depths.max(initial=0)), 0, -1)


def _step(tree: Hierarchy, own: Floats, state: State, conventions: Conventions, course: Course, t: int) -> None:
    """Move every node from its level before to this period; what has no movement moves with its parent."""
    movements = _leaf_movements(tree, own, state, conventions)
    absent = tree.leaves & (np.isnan(movements) | (np.isnan(own) & (conventions.missing == "carry")))
    for depth in _depths_upwards(tree):
        _average(tree, movements, course.weights[t], depth)
    course.imputed[t] = _upwards_all(tree, absent)
    if not np.isnan(own).all():
        for depth in range(1, int(tree.depths.max(initial=0)) + 1):
            nodes = tree.of_depth(depth)
            still = nodes[np.isnan(movements[nodes])]
            movements[still] = movements[tree.parents[still]]
        moved = ~np.isnan(movements)
        state.levels[moved] *= movements[moved]
        course.levels[t, moved] = state.levels[moved]
        enters = moved & tree.leaves & ~np.isnan(own)
        enters &= np.isnan(state.scales) if conventions.reentry == "resume" else np.bool_(1)
        state.scales[enters] = state.levels[enters] / own[enters]
        state.own = own.copy()


def _compare(
    tree: Hierarchy, own: Floats, state: State, base: Floats, conventions: Conventions, course: Course, t: int
) -> None:
    """Compare the period with the first of the link directly, over the nodes that have a value."""
    changes = np.full(len(own), np.nan)
    changes[tree.leaves] = (state.scales * own / base)[tree.leaves]
    for depth in _depths_upwards(tree):
        _average(tree, changes, tree.weights, depth)
        if conventions.missing == "none":
            nodes = tree.of_depth(depth)
            changes[tree.parents[nodes[np.isnan(changes[nodes]) & (tree.weights[nodes] > 0)]]] = np.nan
    found = ~np.isnan(changes)
    state.levels[found] = base[found] * changes[found]
    course.levels[t, found] = state.levels[found]
    course.imputed[t] = _upwards_all(tree, tree.leaves & ~found)
    late = tree.leaves & ~np.isnan(own) & np.isnan(state.scales) & found[tree.parents] & (tree.parents >= 0)
    with np.errstate(invalid="ignore"):
        # A leaf that begins late stands with its parent, whose change it takes part in from the next period on.
        state.scales[late] = (base * (state.levels / base)[tree.parents])[late] / own[late]
