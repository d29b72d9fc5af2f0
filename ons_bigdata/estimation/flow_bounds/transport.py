"""Sums over cells whose totals by origin and by destination are both known: how low a sum can be.

The cells that are known by bounds only are the amounts of a transport problem. Its matrix is totally unimodular: with
whole bounds and totals there is an optimum in whole numbers, so that a program over whole numbers is a linear one, also
where the function of each cell is convex and linear between whole numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array, vstack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

MOST_PIECES = 80_000
"""Pieces of the functions of cells up to which programs are solved; above, multipliers bound the sum."""
SOFTNESS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
"""Steps in which the search for multipliers approaches the exact bound, relative to the range of a cell's function."""
SEARCH_STEPS = 150
NO_TABLE = "totals by origin and destination: no table has both within the bounds of its cells"


class Transport(NamedTuple):
    """Hidden cells between bounds, and what each origin and destination has to add to the lower bounds."""

    low: Values
    high: Values
    margins: csr_array
    """0 and 1: rows are origins and destinations, columns the hidden cells."""
    room: Values
    """Amount of each row of `margins` above the lower bounds."""


class CellFunctions(NamedTuple):
    """Functions of the hidden cells by their values at points.

    Between two points a function is no lower than its chord, or need not be known, where cells lie at points only.
    """

    points: Values
    """A row for each cell, growing; a point may be repeated. The first and last are the bounds of the cell."""
    values: Values


class LeastSum(NamedTuple):
    """A bound below every sum, and the cells of a table that was found near it, if any."""

    bound: float
    cells: Values | None


def transport(
    low: Values, high: Values, groups: tuple[NDArray[np.int64], NDArray[np.int64]], totals: tuple[Values, Values]
) -> tuple[Transport, NDArray[np.int64]] | None:
    """Transport problem of the cells with `low` < `high`, and their places; None where a total is not known.

    `groups`: number of the origin and of the destination of each cell; `totals`: of each origin and destination (NaN:
    unknown). Totals of groups without a hidden cell do not matter.
    """
    free = np.flatnonzero(high > low)
    rows, rooms = [], []
    for group, total in zip(groups, totals, strict=True):
        size = len(total)
        room = total - np.bincount(group, low, minlength=size)
        used = np.unique(group[free])
        if np.isnan(room[used]).any():
            return None
        place = np.full(size, -1)
        place[used] = np.arange(len(used))
        rows.append(csr_array((np.ones(len(free)), (place[group[free]], np.arange(len(free)))), (len(used), len(free))))
        rooms.append(np.maximum(room[used], 0.0))
    return Transport(low[free], high[free], vstack(rows).tocsr(), np.concatenate(rooms)), free


def least_sum(problem: Transport, functions: CellFunctions) -> LeastSum:
    """Bound from below of Σ f(cell) over the tables that the margins allow.

    Functions are replaced by the largest convex functions below their points. The least sum of these is found by a
    linear program, so that the bound is reached where the functions are convex; the table that reaches it is returned.
    With more than `MOST_PIECES` pieces it is bounded by multipliers of the margins instead (any give a valid bound),
    and no table is returned. Raises ValueError where the program finds that no table has both margins.
    """
    points, values = functions
    hull = convex_hull(points, values)
    width = np.diff(points, axis=1)
    used = width > 0
    if int(used.sum()) > MOST_PIECES:
        return LeastSum(_bound_by_multipliers(problem, functions), None)
    slope = np.divide(np.diff(hull, axis=1), width, out=np.zeros_like(width), where=used)
    amounts = np.zeros_like(width)
    amounts[used] = _fill(problem, slope[used], width[used], np.nonzero(used)[0])
    cells = problem.low + amounts.sum(1)
    return LeastSum(float(hull[:, 0].sum() + (slope * amounts).sum()), cells)


def convex_hull(points: Values, values: Values) -> Values:
    """Values at the points of the largest convex function below them, row by row; growing points, may be repeated."""
    hull = values.copy()
    size = points.shape[1]
    for middle in range(size):
        for left in range(middle):
            for right in range(middle + 1, size):
                width = points[:, right] - points[:, left]
                share = np.divide(
                    points[:, middle] - points[:, left], width, out=np.zeros(len(points)), where=width > 0
                )
                chord = (1 - share) * values[:, left] + share * values[:, right]
                hull[:, middle] = np.minimum(hull[:, middle], chord)
    return hull


def linear_functions(problem: Transport, slope: Values) -> CellFunctions:
    """Functions slope · cell."""
    points = np.stack([problem.low, problem.high], axis=1)
    return CellFunctions(points, slope[:, None] * points)


def _fill(problem: Transport, slope: Values, width: Values, cell: NDArray[np.int64]) -> Values:
    """Amounts up to their widths with the least Σ slope · amount; those of the cells of a margin add up to its room."""
    solved = linprog(
        slope,
        A_eq=problem.margins.tocsc()[:, cell],
        b_eq=problem.room,
        bounds=np.c_[np.zeros(len(slope)), width],
        method="highs",
    )
    if solved.status != 0:
        message = f"{NO_TABLE} ({solved.message})"
        raise ValueError(message)
    return np.clip(solved.x, 0, width)


def _bound_by_multipliers(problem: Transport, functions: CellFunctions) -> float:
    """Greatest bound found of Σ min (f(cell) − multiplier · cell) + Σ multiplier · total.

    The multiplier of a cell is the sum of those of its origin and destination. Whatever they are, the bound is valid.
    They are sought by a quasi-Newton method on a soft minimum that is made harder step by step (entropic smoothing).
    """
    points, values = functions
    above = points - problem.low[:, None]
    size = float((values.max(1) - values.min(1)).mean()) or 1.0
    turned = problem.margins.T.tocsr()
    best, multipliers = -np.inf, np.zeros(len(problem.room))
    for softness in SOFTNESS:

        def soft(multipliers: Values, softness: float = softness * size) -> tuple[float, Values]:
            left = values - (turned @ multipliers)[:, None] * above
            least = left.min(1)
            weight = np.exp((least[:, None] - left) / softness)
            whole = weight.sum(1)
            bound = (least - softness * np.log(whole)).sum() + multipliers @ problem.room
            gradient = problem.room - problem.margins @ ((weight * above).sum(1) / whole)
            return -float(bound) / size, -gradient / size

        found = minimize(soft, multipliers, jac=True, method="L-BFGS-B", options={"maxiter": SEARCH_STEPS})
        multipliers = found.x
        left = values - (turned @ multipliers)[:, None] * above
        best = max(best, float(left.min(1).sum() + multipliers @ problem.room))
    return best
