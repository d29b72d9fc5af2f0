"""Bounds of what two tables share by class of pairs, Σ min(sum of a class, its reference), under both margins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack

from ons_bigdata.estimation.flow_bounds.transport import NO_TABLE, LeastSum, Transport, least_sum, linear_functions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

MOST_NARROWED = 12
"""Number of classes whose range is narrowed by both margins before use: two programs a class."""
MOST_NARROWED_CELLS = 20_000
"""Hidden cells above which no range is narrowed: the programs would take minutes."""


class Classes(NamedTuple):
    """Classes of pairs: that of each hidden cell, and of each class the range of its sum and its reference."""

    of_cell: NDArray[np.int64]
    fixed: Values
    """Sum of the class with its hidden cells at their lower bounds."""
    low: Values
    high: Values
    reference: Values


def shared_by_class(problem: Transport, classes: Classes, factor: float) -> tuple[LeastSum, LeastSum]:
    """Bounds of Σ min(factor · sum of class, reference): the least, and the greatest with its sign turned.

    `classes`: sums before the factor. The greatest is exact. For the least, min(sum, reference) of a class is replaced
    by its chord over the range of the sum, so that the classes whose range has the reference far inside make it lower
    than it need be; the ranges of the first `MOST_NARROWED` of them are narrowed before.
    """
    classes = _narrowed(problem, classes, factor)
    at_low, at_high = (np.minimum(factor * end, classes.reference) for end in (classes.low, classes.high))
    width = classes.high - classes.low
    slope = np.divide(at_high - at_low, width, out=np.zeros_like(width), where=width > 0)
    least = least_sum(problem, linear_functions(problem, slope[classes.of_cell]))
    held = np.bincount(classes.of_cell, problem.low, minlength=len(slope))
    rest = float((at_low + slope * (classes.fixed - held - classes.low)).sum())
    return LeastSum(rest + least.bound, least.cells), _most(problem, classes, factor)


def _narrowed(problem: Transport, classes: Classes, factor: float) -> Classes:
    """Classes with the exact ranges of those that have their reference farthest inside."""
    if len(problem.low) > MOST_NARROWED_CELLS:
        return classes
    low, high = classes.low.copy(), classes.high.copy()
    inside = np.minimum(classes.reference / factor - low, high - classes.reference / factor)
    held = np.bincount(classes.of_cell, problem.low, minlength=len(low))
    for place in np.argsort(-inside, kind="stable")[:MOST_NARROWED]:
        if inside[place] > 0:
            member = (classes.of_cell == place).astype(np.float64)
            rest = classes.fixed[place] - held[place]
            low[place] = max(low[place], rest + least_sum(problem, linear_functions(problem, member)).bound)
            high[place] = min(high[place], rest - least_sum(problem, linear_functions(problem, -member)).bound)
    return classes._replace(low=low, high=np.maximum(low, high))


def _most(problem: Transport, classes: Classes, factor: float) -> LeastSum:
    """Least −Σ shared, with shared ≤ the reference and ≤ factor · sum of each class."""
    size, cells = len(classes.reference), len(problem.low)
    member = csr_array((np.full(cells, factor), (classes.of_cell, np.arange(cells))), (size, cells))
    solved = linprog(
        np.r_[np.zeros(cells), -np.ones(size)],
        A_eq=hstack([problem.margins, csr_array((len(problem.room), size))]),
        b_eq=problem.room,
        A_ub=hstack([-member, eye_array(size)]),
        b_ub=factor * classes.fixed,
        bounds=np.c_[np.zeros(cells + size), np.r_[problem.high - problem.low, classes.reference]],
        method="highs",
    )
    if solved.status != 0:
        message = f"{NO_TABLE} ({solved.message})"
        raise ValueError(message)
    return LeastSum(float(solved.fun), problem.low + np.clip(solved.x[:cells], 0, problem.high - problem.low))
