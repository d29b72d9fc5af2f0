"""Exact bounds of sums over cells whose totals by origin and by destination are both known, by linear programs.

The cells that are known by bounds only are the amounts of a transport problem. Its matrix is totally unimodular: with
whole bounds and totals there is an optimum in whole numbers, so that a program over whole numbers is a linear one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

MOST_CELLS = 20_000
"""Hidden cells up to which programs are solved; a table with 60,000 takes minutes."""


class Transport(NamedTuple):
    """Hidden cells between bounds, and what each origin and destination has to add to the lower bounds."""

    low: Values
    high: Values
    margins: csr_array
    """0 and 1: rows are origins and destinations, columns the hidden cells."""
    room: Values
    """Amount of each row of `margins` above the lower bounds."""


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


def linear_range(problem: Transport, slope: Values) -> tuple[float, float]:
    """Least and greatest Σ slope · cell over the tables that the margins allow; both are reached."""
    fixed = float(slope @ problem.low)
    low = _solve(problem, [slope], [problem.high - problem.low])
    high = -_solve(problem, [-slope], [problem.high - problem.low])
    return fixed + low, fixed + high


def shared_range(problem: Transport, reference: Values, factor: float, *, is_whole: bool) -> tuple[float, float]:
    """Bounds of Σ min(factor · cell, reference) over the tables that the margins allow.

    The upper one is reached: the sum is concave, and its pieces are filled in the order of their slopes. `is_whole`:
    cells are whole numbers (as are bounds and totals); the function is then that between whole numbers, which is lower
    where the reference lies between two multiples of the factor. The lower one replaces the function by its chord,
    the largest convex function below it on the range of a cell: the least sum can be a little higher.
    """
    low, high = problem.low, problem.high
    at_low, at_high = (np.minimum(factor * end, reference) for end in (low, high))
    chord = (at_high - at_low) / (high - low)
    least = float(at_low.sum()) + _solve(problem, [chord], [high - low])
    kink = np.clip(reference / factor, low, high)
    if is_whole:
        below, above = np.floor(kink), np.minimum(np.floor(kink) + 1, high)
        step = above - below
        middle = np.divide(
            np.minimum(factor * above, reference) - factor * below, step, out=np.zeros_like(step), where=step > 0
        )
        # Below the reference the slope is the factor, beyond it 0; between them that of one unit.
        slopes = [np.full(len(low), factor), np.maximum(middle, 0.0), np.zeros(len(low))]
        widths = [below - low, step, high - above]
    else:
        slopes = [np.full(len(low), factor), np.zeros(len(low))]
        widths = [kink - low, high - kink]
    most = float(at_low.sum()) - _solve(problem, [-slope for slope in slopes], widths)
    return least, most


def _solve(problem: Transport, slopes: list[Values], widths: list[Values]) -> float:
    """Least Σ slope · amount, each amount up to its width, the amounts of a row adding up to its room."""
    slope, width = np.concatenate(slopes), np.concatenate(widths)
    margins = hstack([problem.margins] * len(slopes)).tocsc()
    used = np.flatnonzero(width > 0)
    solved = linprog(
        slope[used],
        A_eq=margins[:, used],
        b_eq=problem.room,
        bounds=np.c_[np.zeros(len(used)), width[used]],
        method="highs",
    )
    if solved.status != 0:
        message = (
            f"totals by origin and destination: no table has both within the bounds of its cells ({solved.message})"
        )
        raise ValueError(message)
    return float(solved.fun)
