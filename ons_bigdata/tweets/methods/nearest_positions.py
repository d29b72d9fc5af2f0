"""Nearest positions of places, with the vote of their neighbours, by a grid of square cells, compiled.

Positions are in the order of their cells. A search looks into the cells around a place, ring by ring, until what was
not looked at is farther away than what it has.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rows = NDArray[np.int32]
Number = TypeVar("Number", np.float64, np.int64, np.int16)

NONE = -1
"""Row where there is no position, and letter of a position without class."""

WEIGHT_M = 1.0
"""Distance in metres below which all positions have the same weight: addresses are given to the metre."""

CELLS_PER_POSITION = 4
"""Most cells of a grid: those of dense areas shall hold a few positions, and the others cost memory."""

_SMALLEST_CELL_BITS = 16
"""Cells have a side of a power of two millimetres, this one or more: 65.5 m."""
_MOST_BITS = 63
_MM = 1000
_SLACK_M = 0.001
"""The cell of a position is that of its coordinates in whole millimetres."""

compiled = njit(cache=True, nogil=True, error_model="numpy")


class PositionGrid(NamedTuple):
    """Distinct positions in the order of their cells, which lie line by line from south to north."""

    starts: Rows
    """Where the positions of each cell begin; the number of positions at the end."""
    x: Floats
    y: Floats
    rank: Integers
    """Number by which positions at the same distance are ordered."""
    rows: Rows
    """Row of each position in the arrays of which the grid was made."""
    west: float
    south: float
    side: float
    columns: int
    lines: int


class Nearest(NamedTuple):
    """Result for each place, in the order of the places."""

    rows: Rows
    """Row of the nearest position; NONE without one."""
    distance: Floats
    """Its distance; NaN without one."""
    voted_rows: Rows
    """Row of the nearest position of the letter that wins the vote; NONE without a vote."""
    share: Floats
    """Share of the weights for the letter of the nearest position; NaN without a vote or where it has no letter."""


def make_grid(x: Floats, y: Floats, rank: Integers) -> PositionGrid:
    """Make the grid of the positions `x`, `y` (metres, finite); `rank` orders them at the same distance.

    Of several at one position, to the millimetre, the one of the smallest rank is kept.

    Raises ValueError for positions that are too far apart for a grid.
    """
    if not x.size:
        none = np.empty(0, np.int32)
        return PositionGrid(np.zeros(2, np.int32), x, y, rank, none, 0.0, 0.0, 1.0, 1, 1)
    east, north = (np.rint(axis * _MM) for axis in (x, y))
    west, south = east.min(), north.min()
    extent = (east.max() - west, north.max() - south)
    bits = _cell_bits(extent, x.size)
    columns, lines = (int(side) // 2**bits + 1 for side in extent)
    if (columns * lines - 1).bit_length() + 2 * bits > _MOST_BITS:
        raise ValueError(f"positions span {extent[0] / _MM} m by {extent[1] / _MM} m: too far apart for a grid")
    column, along = np.divmod((east - west).astype(np.int64), 2**bits)
    line, up = np.divmod((north - south).astype(np.int64), 2**bits)
    keys = ((((line * columns + column) << bits) + along) << bits) + up
    order = pl.Series(keys).arg_sort().to_numpy()
    rows, starts = _distinct(keys, order, _read_only(rank), 2 * bits, columns * lines)
    return PositionGrid(
        starts, x[rows], y[rows], rank[rows], rows,
        float(west / _MM), float(south / _MM), 2**bits / _MM, columns, lines,
    )  # fmt: skip


def find_nearest(
    grid: PositionGrid, x: Floats, y: Floats, *, radius: float, voters: int, letters: NDArray[np.int16] | None = None
) -> Nearest:
    """Nearest position of each place `x`, `y` within the radius, itself included, and the vote of `voters` positions.

    Of positions at the same distance the one of the smallest rank is the nearest. The nearest `voters` positions and
    those as far as the last one vote for their letters (`letters`, in the order of the grid's positions, NONE without
    one) with the weight 1 / max(distance, WEIGHT_M); the letter of the nearer position wins a tie. Without letters
    nobody votes.

    Raises ValueError for another number of letters than of positions.
    """
    if letters is not None and letters.size != grid.rows.size:
        raise ValueError(f"{letters.size} letters; expected one for each of {grid.rows.size} positions")
    # cells one after another are looked up one after another: they are in the processor's cache
    line = np.clip(np.floor((y - grid.south) / grid.side), -1, grid.lines)
    column = np.clip(np.floor((x - grid.west) / grid.side), -1, grid.columns)
    order = pl.Series((line * (grid.columns + 2) + column).astype(np.int64)).arg_sort().to_numpy()
    voting = np.empty(0, np.int16) if letters is None else letters
    return Nearest(*_find(grid, x[order], y[order], order, float(radius), voters, voting))


def _read_only(values: NDArray[Number]) -> NDArray[Number]:
    """Contiguous view of an array that is not written to.

    Arrays of frames are such, others may be written to: code is compiled for each kind, which takes seconds.
    """
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def _cell_bits(extent: tuple[float, float], positions: int) -> int:
    """Power of two millimetres of the side of a cell: the smallest with few enough cells."""
    bits = _SMALLEST_CELL_BITS
    while (extent[0] // 2**bits + 1) * (extent[1] // 2**bits + 1) > CELLS_PER_POSITION * positions + 1024:
        bits += 1
    return bits


@compiled
def _distinct(
    keys: Integers, order: NDArray[np.uint32], rank: Integers, cell_bits: int, cells: int
) -> tuple[Rows, Rows]:
    """Rows of the distinct keys in their order, the one of the smallest rank of each, and the starts of the cells."""
    rows = np.empty(order.size, np.int32)
    starts = np.zeros(cells + 1, np.int32)
    count = 0
    before = -1
    for place in range(order.size):
        row = order[place]
        key = keys[row]
        if key == before:
            if rank[row] < rank[rows[count - 1]]:
                rows[count - 1] = row
            continue
        rows[count] = row
        count += 1
        starts[(key >> cell_bits) + 1] += 1
        before = key
    for cell in range(cells):
        starts[cell + 1] += starts[cell]
    return rows[:count].copy(), starts


class _Search(NamedTuple):
    """A place, and room for the positions that are found, by the square of their distance and rank."""

    x: float
    y: float
    radius: float
    squares: Floats
    found: Rows


@compiled
def _find(
    grid: PositionGrid, x: Floats, y: Floats, order: NDArray[np.uint32], radius: float, voters: int,
    letters: NDArray[np.int16],
) -> tuple[Rows, Floats, Rows, Floats]:  # fmt: skip
    nearest = np.full(x.size, NONE, np.int32)
    distance = np.full(x.size, np.nan)
    winners = np.full(x.size, NONE, np.int32)
    share = np.full(x.size, np.nan)
    squares = np.empty(voters)
    found = np.empty(voters, np.int32)
    for number in range(order.size):
        place = order[number]
        search = _Search(x[number], y[number], radius, squares, found)
        count, is_tied = _search(grid, search)
        if count == 0:
            continue
        nearest[place] = grid.rows[found[0]]
        distance[place] = np.sqrt(squares[0])
        if letters.size == 0:
            continue
        last = squares[count - 1]
        while is_tied:  # all that are as far as the last one vote: search again with more room
            room = 2 * search.found.size
            search = _Search(x[number], y[number], radius, np.empty(room), np.empty(room, np.int32))
            count, is_tied = _search(grid, search)
        while search.squares[count - 1] > last:
            count -= 1
        winner, share[place] = _vote(search.squares[:count], search.found[:count], letters)
        if winner != NONE:
            winners[place] = grid.rows[winner]
    return nearest, distance, winners, share


@compiled
def _search(grid: PositionGrid, search: _Search) -> tuple[int, bool]:
    """Enter the nearest positions, as many as there is room; return their number, and if others are as far as the last.

    Of a ring of cells, the lines at its edges lie one cell after another; of the others it has the first and the last.
    """
    x, y, reach = search.x, search.y, search.radius + _SLACK_M
    if (
        max(grid.west - x, x - grid.west - grid.columns * grid.side) > reach
        or max(grid.south - y, y - grid.south - grid.lines * grid.side) > reach
    ):
        return 0, False
    column, line = int(np.floor((x - grid.west) / grid.side)), int(np.floor((y - grid.south) / grid.side))
    count, limit, tied = int(np.int64(0)), reach * reach, np.inf  # a constant would be another type
    ring, margin = 0, -1.0
    while margin <= 0 or margin * margin <= limit:
        for other in range(max(line - ring, 0), min(line + ring, grid.lines - 1) + 1):
            gap = _gap(y, grid.south + other * grid.side, grid.side)
            if gap * gap > limit:
                continue
            if abs(other - line) == ring:
                begin, end = _range(grid, other, column - ring, column + ring)
                count, limit, tied = _scan(grid, search, begin, end, count, limit, tied)
                continue
            for end_column in (column - ring, column + ring):
                aside = _gap(x, grid.west + end_column * grid.side, grid.side)
                if gap * gap + aside * aside <= limit:
                    begin, end = _range(grid, other, end_column, end_column)
                    count, limit, tied = _scan(grid, search, begin, end, count, limit, tied)
        to_west, to_south = x - grid.west - (column - ring) * grid.side, y - grid.south - (line - ring) * grid.side
        width = (2 * ring + 1) * grid.side
        margin = min(to_west, width - to_west, to_south, width - to_south) - _SLACK_M
        ring += 1
    return count, count == search.squares.size and tied == search.squares[count - 1]


@compiled
def _gap(value: float, low: float, side: float) -> float:
    """Distance of a value from an interval, less the slack."""
    return max(0.0, max(low - value, value - low - side) - _SLACK_M)


@compiled
def _range(grid: PositionGrid, line: int, west: int, east: int) -> tuple[int, int]:
    """Begin and end of the positions in columns of a line, as far as they are in the grid."""
    west, east = max(west, 0), min(east, grid.columns - 1)
    if west > east:
        return 0, 0
    return grid.starts[line * grid.columns + west], grid.starts[line * grid.columns + east + 1]


@compiled
def _scan(
    grid: PositionGrid, search: _Search, begin: int, end: int, count: int, limit: float, tied: float
) -> tuple[int, float, float]:
    """Enter the positions of a range that are near enough.

    Return the number of positions, the largest square that still counts, and the last square that was lost to a tie.
    """
    squares, found = search.squares, search.found
    last = squares.size - 1
    for position in range(begin, end):
        dx, dy = grid.x[position] - search.x, grid.y[position] - search.y
        square = dx * dx + dy * dy
        if square > limit:
            continue
        if count <= last:
            if np.sqrt(square) > search.radius:
                continue
            count += 1
        elif square == squares[last]:
            tied = square
            if grid.rank[position] > grid.rank[found[last]]:
                continue
        elif last > 0 and squares[last - 1] == squares[last]:
            tied = squares[last]
        place = count - 1
        while place > 0 and (
            squares[place - 1] > square
            or (squares[place - 1] == square and grid.rank[found[place - 1]] > grid.rank[position])
        ):
            squares[place] = squares[place - 1]
            found[place] = found[place - 1]
            place -= 1
        squares[place] = square
        found[place] = position
        if count > last:
            limit = squares[last]
    return count, limit, tied


@compiled
def _vote(squares: Floats, found: Rows, letters: NDArray[np.int16]) -> tuple[int, float]:
    """Nearest position of the letter that wins (NONE without votes), and the share of the nearest position's letter.

    `squares` become weights.
    """
    for place in range(found.size):
        squares[place] = 1 / max(np.sqrt(squares[place]), WEIGHT_M)
    total, most, winner = 0.0, 0.0, NONE
    first = np.nan
    for place in range(found.size):
        letter = letters[found[place]]
        if letter == NONE:
            continue
        total += squares[place]
        votes = 0.0
        for other in range(found.size):
            if letters[found[other]] == letter:
                votes += squares[other]
        if votes > most:
            most, winner = votes, found[place]
        if place == 0:
            first = votes
    return winner, first / total if total > 0 else np.nan
