"""Movement of levels through a tree from period to period within one link: means, missing nodes, re-entry.

Arrays in and out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.aggregation.hierarchy import Hierarchy

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

MISSING = ("parent", "carry", "renormalise", "none")
REENTRIES = ("resume", "relink")
STEPWISE = ("parent", "carry")


@dataclass(frozen=True)
class Conventions:
    """Treatment of nodes without a value.

    `missing`: "parent": the node moves with its parent, that is with its siblings, and where those are missing, too,
    with the level above. "carry": it keeps its level; before its first value, as "parent". "renormalise": it takes no
    part, and the weights of its siblings are scaled up. "none": its parent has no value either.
    `reentry` of a leaf that returns ("parent" and "carry"): "resume": at the level of its index, so that its true
    change since it left enters then (self-correcting); "relink": at its imputed level; only later changes count.

    A leaf that begins late enters at the level of the nearest node above it that has one, and takes part in changes
    from the next period on; a root begins at 1 in the first period that has a value below it. Where nothing below a
    root has a value both in this period and before, nothing is linked: the root has no level until a known leaf
    returns. A leaf without a value in a link period has moved with the node above it until then; where its index in the
    link is known ("renormalise", or an index of the new link), it takes part in the link from its first period on.
    "none" imputes nothing: a node that had a level and has none in a link period has none from there on; a leaf goes on
    with its index, but without a level in the link its parents have none.
    """

    missing: str = "parent"
    reentry: str = "resume"


@dataclass
class State:
    """State of the nodes of a tree between two periods.

    `levels`: chained levels; a node without a value has moved with the node above. `scales`: level = scale · index; nan
    where a leaf has had no value yet. `indices`: the leaves' indices in the last period in which their tree had a
    level by values. `touched`: the tree of the node has had a value. `started`: the node has had a level. `known`: it
    has one in the first period of the link (a new node: the nodes have that it starts from).
    """

    levels: Floats
    scales: Floats
    indices: Floats
    touched: Booleans
    started: Booleans
    known: Booleans


@dataclass(frozen=True)
class Course:
    """Course of a link, periods × nodes: levels (nan: none), whether imputed, the weights at the start of each step."""

    levels: Floats
    imputed: Booleans
    weights: Floats


def compute_course(tree: Hierarchy, indices: Floats, start: State, conventions: Conventions) -> Course:
    """Compute the levels in the periods of a link, the first included; updates `start` to the state at its end.

    `indices`: periods × nodes, indices of the leaves, nan where there is none. `start.levels`: levels in the first
    period.
    """
    base, shape = start.levels.copy(), indices.shape
    broken = start.started & ~start.known
    course = Course(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_), np.zeros(shape))
    for t in range(shape[0]):
        course.weights[t] = tree.weights * start.levels / base
        if conventions.missing not in STEPWISE:
            _compare(tree, indices[t], start, base, broken & (conventions.missing == "none"), conventions, course, t)
        elif t == 0:
            _settle(tree, indices[0], start, course)
        else:
            _step(tree, indices[t], start, conventions, course, t)
        start.touched |= _valued_trees(tree, indices[t])
    return course


def value_below(tree: Hierarchy, indices: Floats) -> Booleans:
    """Mask of the nodes with a value at or below them in a period."""
    return ~_upwards_all(tree, np.isnan(indices))


def _valued_trees(tree: Hierarchy, indices: Floats) -> Booleans:
    """Mask of the nodes whose tree has any value in a period."""
    return value_below(tree, indices)[tree.roots]


def _settle(tree: Hierarchy, indices: Floats, state: State, course: Course) -> None:
    """Set the levels of the first period as they are; leaves with a value begin there."""
    valued = _valued_trees(tree, indices)
    holds = state.known[tree.roots] | (~state.touched[tree.roots] & valued)
    begins = holds & tree.leaves & ~np.isnan(indices) & np.isnan(state.scales)
    state.scales[begins] = state.levels[begins] / indices[begins]
    state.indices = np.where(valued & holds, indices, state.indices)
    state.started |= holds
    course.levels[0] = np.where(holds, state.levels, np.nan)
    course.imputed[0] = _upwards_all(tree, tree.leaves & np.isnan(indices))


def _upwards_all(tree: Hierarchy, absent: Booleans) -> Booleans:
    """Mask of the nodes all of whose leaves are absent."""
    absent = absent.copy()
    for depth in _depths_upwards(tree):
        nodes = tree.of_depth(depth)
        present = np.bincount(tree.parents[nodes], weights=~absent[nodes], minlength=len(absent))
        inner = np.unique(tree.parents[nodes])
        absent[inner] = present[inner] == 0
    return absent


def _leaf_movements(tree: Hierarchy, indices: Floats, state: State, conventions: Conventions) -> Floats:
    movements = np.full(len(indices), np.nan)
    if conventions.reentry == "resume":
        movements[tree.leaves] = (state.scales * indices / state.levels)[tree.leaves]
    else:
        movements[tree.leaves] = (indices / state.indices)[tree.leaves]
    if conventions.missing == "carry":
        kept = tree.leaves & np.isnan(indices) & ~np.isnan(state.scales)
        movements[kept] = 1.0
    return movements


def _average(tree: Hierarchy, changes: Floats, weights: Floats, depth: int) -> None:
    """Average the changes of the nodes of one depth into those of their parents."""
    nodes = tree.of_depth(depth)
    nodes = nodes[~np.isnan(changes[nodes])]
    parents = tree.parents[nodes]
    geometric = tree.geometric[parents]
    weight = np.where(geometric, tree.weights[nodes], weights[nodes])
    value = np.where(geometric, np.log(changes[nodes]), changes[nodes])
    total = np.bincount(parents, weights=weight, minlength=len(changes))
    inner = np.flatnonzero(total > 0)
    mean = np.bincount(parents, weights=weight * value, minlength=len(changes))[inner] / total[inner]
    changes[inner] = np.where(tree.geometric[inner], np.exp(mean), mean)


def _depths_upwards(tree: Hierarchy) -> range:
    return range(int(tree.depths.max(initial=0)), 0, -1)


def _step(tree: Hierarchy, indices: Floats, state: State, conventions: Conventions, course: Course, t: int) -> None:
    """Move every node to this period; a node without a movement moves with its parent."""
    movements = _leaf_movements(tree, indices, state, conventions)
    absent = tree.leaves & (np.isnan(movements) | (np.isnan(indices) & (conventions.missing == "carry")))
    for depth in _depths_upwards(tree):
        _average(tree, movements, course.weights[t], depth)
    course.imputed[t] = _upwards_all(tree, absent)
    if np.isnan(indices).all():
        return
    valued = _valued_trees(tree, indices)
    movements[valued & ~state.touched[tree.roots]] = 1.0
    for depth in range(1, int(tree.depths.max(initial=0)) + 1):
        nodes = tree.of_depth(depth)
        still = nodes[np.isnan(movements[nodes])]
        movements[still] = movements[tree.parents[still]]
    moved = ~np.isnan(movements)
    state.levels[moved] *= movements[moved]
    course.levels[t, moved] = state.levels[moved]
    enters = moved & tree.leaves & ~np.isnan(indices)
    enters &= np.isnan(state.scales) if conventions.reentry == "resume" else np.bool_(1)
    state.scales[enters] = state.levels[enters] / indices[enters]
    state.started |= moved
    state.indices = np.where(valued & moved[tree.roots], indices, state.indices)


def _compare(
    tree: Hierarchy,
    indices: Floats,
    state: State,
    base: Floats,
    broken: Booleans,
    conventions: Conventions,
    course: Course,
    t: int,
) -> None:
    """Compare the period with the first of the link directly, over the nodes that have a value.

    `base`: levels in the first period of the link; of a node that begins later, set so that it begins at the right
    level. `broken`: nodes that lost their level before the link.
    """
    before = state.levels / base
    changes = _changes(tree, np.where(tree.leaves, state.scales * indices / base, np.nan))
    linked = ~np.isnan(changes[tree.roots]) | ~state.touched[tree.roots] | ((t == 0) & state.known[tree.roots])
    enters = tree.leaves & ~np.isnan(indices) & np.isnan(state.scales) & linked & ~broken
    above = _with_those_above(tree, changes, before)
    # A leaf that enters at the level of its parent leaves the parent's mean as it is.
    entered = np.where(tree.parents >= 0, above[tree.parents], before)
    changes = _changes(tree, np.where(enters, entered, np.where(tree.leaves, changes, np.nan)))
    shown = _shown(tree, ~np.isnan(changes), broken) if conventions.missing == "none" else ~np.isnan(changes)
    started = state.started.copy()
    _begin(tree, shown, state, base, changes)
    if conventions.missing == "none" and t == 0 and state.touched.any():
        # In a link period the levels of the link before hold: a node without a level there begins later.
        state.started = started
    state.levels = base * _with_those_above(tree, changes, before)
    state.scales[enters] = state.levels[enters] / indices[enters]
    course.levels[t] = np.where(shown, state.levels, np.nan)
    course.imputed[t] = _upwards_all(tree, tree.leaves & np.isnan(changes))


def _changes(tree: Hierarchy, of_leaves: Floats) -> Floats:
    """Average the changes of the leaves since the link upwards, over those that have one."""
    changes = of_leaves.copy()
    for depth in _depths_upwards(tree):
        _average(tree, changes, tree.weights, depth)
    return changes


def _with_those_above(tree: Hierarchy, changes: Floats, before: Floats) -> Floats:
    """Move nodes without a change with the node above since the period before; a root keeps its level."""
    filled = np.where(np.isnan(changes) & (tree.parents < 0), before, changes)
    for depth in range(1, int(tree.depths.max(initial=0)) + 1):
        nodes = tree.of_depth(depth)
        still = nodes[np.isnan(filled[nodes])]
        above = tree.parents[still]
        filled[still] = before[still] * filled[above] / before[above]
    return filled


def _shown(tree: Hierarchy, valued: Booleans, broken: Booleans) -> Booleans:
    """Mask of the nodes with a value where a missing child leaves its parent without one."""
    shown = valued & (tree.leaves | ~broken)
    for depth in _depths_upwards(tree):
        nodes = tree.of_depth(depth)
        lacking = nodes[(~shown[nodes] | broken[nodes]) & (tree.weights[nodes] > 0)]
        shown[tree.parents[lacking]] = False
    return shown


def _begin(tree: Hierarchy, shown: Booleans, state: State, base: Floats, changes: Floats) -> None:
    """Set the first level of nodes that begin: that of the nearest node above that has one, or else 1."""
    begins = shown & ~state.started
    for n in np.flatnonzero(begins):  # parents go before children
        above = tree.parents[n]
        while above >= 0 and not shown[above]:
            above = tree.parents[above]
        base[n] = (base[above] * changes[above] if above >= 0 else 1.0) / changes[n]
    state.started |= shown
