"""How levels move through a tree from period to period, within one link: means, missing nodes, re-entry.

Arrays in and out. Trees are in `hierarchy`, frames and links in `aggregation`.
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
    """What becomes of a node without a value.

    `missing`: "parent": it moves with its parent, that is with its siblings, and where those are missing, too, with the
    level above. "carry": it keeps its level; before its first value, as "parent". "renormalise": it takes no part, and
    the weights of the others make up the whole. "none": its parent has no value either.
    `reentry` of a leaf that returns ("parent" and "carry"): "resume": at its own level, so that its true change since
    it left enters then (self-correcting); "relink": at its imputed level; only its changes from then on count.

    A leaf that begins late enters where the nearest node above it stands that has a level, and takes part in changes
    from the next period on; a root begins at 1 in the first period that has a value below it. Where nothing below a
    root has a value both here and before, nothing is linked: the root has no level, until a leaf it knew returns.
    "none" imputes nothing: a node that had a level and has none in a link period has none from there on; a leaf goes on
    where its index does, but without a level in the link it takes its parents along into having none.
    """

    missing: str = "parent"
    reentry: str = "resume"


@dataclass
class State:
    """Where the nodes of a tree stand.

    `levels`: chained levels; what has no value has moved with the node above. `scales`: level = scale · own index; nan
    where a leaf has had no value yet. `own`: the leaves' own indices in the last period in which their tree had a
    level by values. `touched`: the tree of the node has had a value. `started`: the node has had a level. `known`: it
    has one in the first period of the link (a new node: those have from which it takes its start).
    """

    levels: Floats
    scales: Floats
    own: Floats
    touched: Booleans
    started: Booleans
    known: Booleans


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
    broken = start.started & ~start.known
    course = Course(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_), np.zeros(shape))
    for t in range(shape[0]):
        course.weights[t] = tree.weights * start.levels / base
        if conventions.missing not in STEPWISE:
            _compare(tree, own[t], start, base, broken & (conventions.missing == "none"), conventions, course, t)
        elif t == 0:
            _settle(tree, own[0], start, course)
        else:
            _step(tree, own[t], start, conventions, course, t)
        start.touched |= _valued_trees(tree, own[t])
    return course


def value_below(tree: Hierarchy, own: Floats) -> Booleans:
    """Tell the nodes that have a value of their own or below them in a period."""
    return ~_upwards_all(tree, np.isnan(own))


def _valued_trees(tree: Hierarchy, own: Floats) -> Booleans:
    """Tell, for each node, whether its whole tree has a value in a period."""
    return value_below(tree, own)[tree.roots]


def _settle(tree: Hierarchy, own: Floats, state: State, course: Course) -> None:
    """Take the levels of the first period as they are; leaves that have a value begin there."""
    valued = _valued_trees(tree, own)
    stands = state.known[tree.roots] | (~state.touched[tree.roots] & valued)
    begins = stands & tree.leaves & ~np.isnan(own) & np.isnan(state.scales)
    state.scales[begins] = state.levels[begins] / own[begins]
    state.own = np.where(valued & stands, own, state.own)
    state.started |= stands
    course.levels[0] = np.where(stands, state.levels, np.nan)
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
    if np.isnan(own).all():
        return
    valued = _valued_trees(tree, own)
    movements[valued & ~state.touched[tree.roots]] = 1.0
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
    state.started |= moved
    state.own = np.where(valued & moved[tree.roots], own, state.own)


def _compare(
    tree: Hierarchy,
    own: Floats,
    state: State,
    base: Floats,
    broken: Booleans,
    conventions: Conventions,
    course: Course,
    t: int,
) -> None:
    """Compare the period with the first of the link directly, over the nodes that have a value.

    `base`: levels in the first period of the link; of a node that begins later set so that it begins where it should.
    `broken`: nodes that lost their level before the link.
    """
    before = state.levels / base
    changes = _changes(tree, np.where(tree.leaves, state.scales * own / base, np.nan))
    linked = ~np.isnan(changes[tree.roots]) | ~state.touched[tree.roots] | ((t == 0) & state.known)
    enters = tree.leaves & ~np.isnan(own) & np.isnan(state.scales) & linked & ~broken
    stands = _with_those_above(tree, changes, before)
    # What enters where its parent stands leaves the parent's mean as it is.
    entered = np.where(tree.parents >= 0, stands[tree.parents], before)
    changes = _changes(tree, np.where(enters, entered, np.where(tree.leaves, changes, np.nan)))
    shown = _shown(tree, ~np.isnan(changes), broken) if conventions.missing == "none" else ~np.isnan(changes)
    _begin(tree, shown, state, base, changes)
    state.levels = base * _with_those_above(tree, changes, before)
    state.scales[enters] = state.levels[enters] / own[enters]
    course.levels[t] = np.where(shown, state.levels, np.nan)
    course.imputed[t] = _upwards_all(tree, tree.leaves & np.isnan(changes))


def _changes(tree: Hierarchy, of_leaves: Floats) -> Floats:
    """Average the leaves' changes since the link upwards, over those that have one."""
    changes = of_leaves.copy()
    for depth in _depths_upwards(tree):
        _average(tree, changes, tree.weights, depth)
    return changes


def _with_those_above(tree: Hierarchy, changes: Floats, before: Floats) -> Floats:
    """Let what has no change have moved with the node above since the period before; a root stays."""
    filled = np.where(np.isnan(changes) & (tree.parents < 0), before, changes)
    for depth in range(1, int(tree.depths.max(initial=0)) + 1):
        nodes = tree.of_depth(depth)
        still = nodes[np.isnan(filled[nodes])]
        above = tree.parents[still]
        filled[still] = before[still] * filled[above] / before[above]
    return filled


def _shown(tree: Hierarchy, found: Booleans, broken: Booleans) -> Booleans:
    """Tell the nodes that have a value where a missing child takes its parent along."""
    shown = found & (tree.leaves | ~broken)
    for depth in _depths_upwards(tree):
        nodes = tree.of_depth(depth)
        lacking = nodes[(~shown[nodes] | broken[nodes]) & (tree.weights[nodes] > 0)]
        shown[tree.parents[lacking]] = False
    return shown


def _begin(tree: Hierarchy, shown: Booleans, state: State, base: Floats, changes: Floats) -> None:
    """Let nodes have their first level: that of the nearest node above that has one, or else 1."""
    begins = shown & ~state.started
    for n in np.flatnonzero(begins):  # parents go before children
        above = tree.parents[n]
        while above >= 0 and not shown[above]:
            above = tree.parents[above]
        base[n] = (base[above] * changes[above] if above >= 0 else 1.0) / changes[n]
    state.started |= shown
