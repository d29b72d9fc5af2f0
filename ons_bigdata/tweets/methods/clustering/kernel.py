"""Density clustering of the points of many users in one pass, compiled.

Each user's points are clustered by themselves. Up to `PAIRWISE` points all pairs are compared; larger sets are cut
into square cells whose diagonal is shorter than eps, so that all points of a cell are neighbours of each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = NDArray[np.int32]

NOISE = -1
PAIRWISE = 48
"""Up to this number of points of a user, comparing all pairs is faster than cells."""

compiled = njit(cache=True, nogil=True, error_model="numpy")
inlined = njit(cache=True, nogil=True, error_model="numpy", inline="always")


class Reach(NamedTuple):
    """Who is a neighbour and who is core."""

    squared_eps: float
    strict: bool
    """Neighbours are closer than eps; otherwise at most eps apart."""
    core_size: int
    """Neighbours, the point itself included, that make a core point."""


class Grid(NamedTuple):
    """Points of one user in square cells that are cliques, ordered by cell."""

    keys: Integers
    """Keys of the cells with points, sorted: column times `width` plus place in the column."""
    starts: NDArray[np.int32]
    """Where the points of each cell begin; the number of points at the end."""
    width: int
    x: Floats
    y: Floats


@inlined
def _are_near(dx: float, dy: float, reach: Reach) -> bool:
    squared = dx * dx + dy * dy
    return squared < reach.squared_eps or (not reach.strict and squared == reach.squared_eps)


@compiled
def user_codes(users: Integers) -> tuple[NDArray[np.int32], int]:
    """Codes 0, 1, … of users in order of their first appearance, and the number of users."""
    codes = np.empty(users.size, np.int32)
    capacity = 1024
    keys = np.empty(capacity, np.int64)
    values = np.full(capacity, -1, np.int32)
    count = 0
    for row in range(users.size):
        user = users[row]
        slot = _slot(user, capacity)
        while values[slot] != -1 and keys[slot] != user:
            slot = (slot + 1) & (capacity - 1)
        if values[slot] == -1:
            keys[slot] = user
            values[slot] = count
            count += 1
            codes[row] = count - 1
            if 2 * count > capacity:
                keys, values = _grown(keys, values)
                capacity = values.size
        else:
            codes[row] = values[slot]
    return codes, count


@inlined
def _slot(user: int, capacity: int) -> np.int64:
    mixed = np.uint64(user) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    return np.int64(mixed & np.uint64(capacity - 1))


@compiled
def _grown(keys: Integers, values: NDArray[np.int32]) -> tuple[Integers, NDArray[np.int32]]:
    """Hash table of four times the capacity with the same entries."""
    capacity = 4 * values.size
    new_keys = np.empty(capacity, np.int64)
    new_values = np.full(capacity, -1, np.int32)
    for old in range(values.size):
        if values[old] != -1:
            slot = _slot(keys[old], capacity)
            while new_values[slot] != -1:
                slot = (slot + 1) & (capacity - 1)
            new_keys[slot] = keys[old]
            new_values[slot] = values[old]
    return new_keys, new_values


@compiled
def _rows_by_user(codes: NDArray[np.int32], users: int) -> tuple[Integers, NDArray[np.int32]]:
    """Start of each user's rows, and the rows of all users one after another, each user's in their order."""
    starts = np.zeros(users + 1, np.int64)
    for code in codes:
        starts[code + 1] += 1
    for user in range(users):
        starts[user + 1] += starts[user]
    fill = starts[:-1].copy()
    rows = np.empty(codes.size, np.int32)
    for row in range(codes.size):
        rows[fill[codes[row]]] = row
        fill[codes[row]] += 1
    return starts, rows


@compiled
def _root(parents: NDArray[np.int32], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@compiled
def _join(parents: NDArray[np.int32], left: int, right: int) -> None:
    left, right = _root(parents, left), _root(parents, right)
    if left < right:
        parents[right] = left
    elif right < left:
        parents[left] = right


@compiled
def _label_pairwise(x: Floats, y: Floats, reach: Reach, labels: Labels) -> None:
    """Label the points of one user by comparing all pairs; `labels` holds the result."""
    points = x.size
    neighbours = np.ones(points, np.int32)
    for i in range(points):
        for j in range(i):
            if _are_near(x[i] - x[j], y[i] - y[j], reach):
                neighbours[i] += 1
                neighbours[j] += 1
    core = neighbours >= reach.core_size
    parents = np.arange(points).astype(np.int32)
    for i in range(points):
        for j in range(i):
            if core[i] and core[j] and _are_near(x[i] - x[j], y[i] - y[j], reach):
                _join(parents, i, j)
    clusters = 0
    for i in range(points):
        root = _root(parents, i)  # the first core point of a cluster is its root
        if core[i] and root == i:
            labels[i] = clusters
            clusters += 1
        else:
            labels[i] = labels[root] if core[i] else NOISE
    for i in range(points):
        if neighbours[i] > 1 and not core[i]:
            labels[i] = _lowest_label_near(i, x, y, core, reach, labels)


@compiled
def _lowest_label_near(point: int, x: Floats, y: Floats, core: NDArray[np.bool_], reach: Reach, labels: Labels) -> int:
    """Lowest label among the core points that are neighbours of a point; noise without any."""
    lowest = NOISE
    for j in range(x.size):
        if core[j] and (lowest == NOISE or labels[j] < lowest) and _are_near(x[point] - x[j], y[point] - y[j], reach):
            lowest = labels[j]
    return lowest


@compiled
def _first_cell_at_least(keys: Integers, wanted: int, start: int) -> int:
    """Index of the first of the sorted keys, from `start` on, that is at least `wanted`; their number if none is.

    The steps double before they are halved: mostly the index is near `start`.
    """
    step, low = 1, start
    while low + step <= keys.size and keys[low + step - 1] < wanted:
        low += step
        step *= 2
    high = min(low + step, keys.size)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _extremes(values: Floats) -> tuple[float, float]:
    """Lowest and highest of finite numbers; a loop compiles faster than `min` and `max`."""
    lowest = highest = values[0]
    for value in values:
        lowest = min(lowest, value)
        highest = max(highest, value)
    return lowest, highest


@compiled
def _cell_side(eps: float, extent: float) -> float:
    """Side of a cell whose diagonal stays below eps whatever the rounding of coordinates within `extent`."""
    side = eps / np.sqrt(2.0)
    return side * (1.0 - max(1e-9, 8.0 * (extent / side) * 2.220446049250313e-16))


@compiled
def _label_by_cells(x: Floats, y: Floats, eps: float, reach: Reach, labels: Labels) -> None:
    """Label the points of one user through cells; `labels` holds the result."""
    west, east = _extremes(x)
    south, north = _extremes(y)
    side = _cell_side(eps, max(east - west, north - south))
    width = int((north - south) / side) + 6  # empty cells on either side keep columns apart
    keys = np.empty(x.size, np.int64)
    for i in range(x.size):
        keys[i] = (np.int64((x[i] - west) / side) + 2) * width + np.int64((y[i] - south) / side) + 2
    order = np.argsort(keys, kind="mergesort")
    cell_keys, starts = _cells(keys, order)
    grid = Grid(cell_keys, starts, width, x[order], y[order])
    core = _core_points(grid, reach)
    parents = _joined_cells(grid, core, reach)
    _number(grid, order, core, parents, labels)
    _label_borders(grid, order, core, reach, labels)


@compiled
def _cells(keys: Integers, order: Integers) -> tuple[Integers, NDArray[np.int32]]:
    """Distinct keys, sorted, and where the points of each begin in `order`, with their number."""
    cells = np.empty(order.size, np.int64)
    starts = np.empty(order.size + 1, np.int32)
    count = 0
    for position in range(order.size):
        key = keys[order[position]]
        if count == 0 or cells[count - 1] != key:
            cells[count] = key
            starts[count] = position
            count += 1
    starts[count] = order.size
    return cells[:count], starts[: count + 1]


@compiled
def _core_points(grid: Grid, reach: Reach) -> NDArray[np.bool_]:
    """Mask of the points that are core. All points of a cell are neighbours, so a full cell is not searched."""
    core = np.zeros(grid.x.size, np.bool_)
    firsts = np.zeros(5, np.int64)
    for cell in range(grid.keys.size):
        begin, end = grid.starts[cell], grid.starts[cell + 1]
        if end - begin >= reach.core_size:
            core[begin:end] = True
            continue
        _seek_columns(grid, cell, firsts)
        for i in range(begin, end):
            core[i] = _neighbours(grid, cell, firsts, i, reach) >= reach.core_size
    return core


@compiled
def _seek_columns(grid: Grid, cell: int, firsts: Integers) -> None:
    """Set the first cell of each of the five columns around a cell; `firsts` is that of an earlier cell before."""
    for column in range(5):
        lowest = grid.keys[cell] + (column - 2) * grid.width - 2
        firsts[column] = _first_cell_at_least(grid.keys, lowest, firsts[column])


@compiled
def _neighbours(grid: Grid, cell: int, firsts: Integers, point: int, reach: Reach) -> int:
    """Count the neighbours of a point of a cell, itself included, up to what makes it core."""
    near = grid.starts[cell + 1] - grid.starts[cell]
    for column in range(5):
        other = firsts[column]
        highest = grid.keys[cell] + (column - 2) * grid.width + 2
        while near < reach.core_size and other < grid.keys.size and grid.keys[other] <= highest:
            if other != cell:
                for j in range(grid.starts[other], grid.starts[other + 1]):
                    near += _are_near(grid.x[point] - grid.x[j], grid.y[point] - grid.y[j], reach)
            other += 1
    return near


@compiled
def _joined_cells(grid: Grid, core: NDArray[np.bool_], reach: Reach) -> NDArray[np.int32]:
    """Union-find parents of the cells: two are joined where a core point of one is a neighbour of one of the other."""
    parents = np.arange(grid.keys.size).astype(np.int32)
    boxes = _core_boxes(grid, core)
    firsts = np.zeros(3, np.int64)
    for cell in range(grid.keys.size):
        if boxes[cell, 0] > boxes[cell, 1]:
            continue
        for column in range(3):  # only cells of higher keys: each pair once
            lowest = grid.keys[cell] + (1 if column == 0 else column * grid.width - 2)
            firsts[column] = _first_cell_at_least(grid.keys, lowest, firsts[column])
            other = firsts[column]
            while other < grid.keys.size and grid.keys[other] <= grid.keys[cell] + column * grid.width + 2:
                if (
                    boxes[other, 0] <= boxes[other, 1]
                    and _root(parents, cell) != _root(parents, other)
                    and _are_boxes_near(boxes[cell], boxes[other], reach.squared_eps)
                    and _is_any_near(grid, cell, other, core, reach)
                ):
                    _join(parents, cell, other)
                other += 1
    return parents


@compiled
def _core_boxes(grid: Grid, core: NDArray[np.bool_]) -> Floats:
    """Lowest and highest x, lowest and highest y of each cell's core points; lowest above highest without any."""
    boxes = np.empty((grid.keys.size, 4))
    for cell in range(grid.keys.size):
        boxes[cell, 0], boxes[cell, 1] = np.inf, -np.inf  # one by one: a row at once takes two seconds to compile
        boxes[cell, 2], boxes[cell, 3] = np.inf, -np.inf
        for i in range(grid.starts[cell], grid.starts[cell + 1]):
            if core[i]:
                boxes[cell, 0] = min(boxes[cell, 0], grid.x[i])
                boxes[cell, 1] = max(boxes[cell, 1], grid.x[i])
                boxes[cell, 2] = min(boxes[cell, 2], grid.y[i])
                boxes[cell, 3] = max(boxes[cell, 3], grid.y[i])
    return boxes


@compiled
def _are_boxes_near(left: Floats, right: Floats, squared_eps: float) -> bool:
    """True if two boxes are at most eps apart, with a margin for rounding."""
    dx = max(0.0, max(left[0], right[0]) - min(left[1], right[1]))
    dy = max(0.0, max(left[2], right[2]) - min(left[3], right[3]))
    return dx * dx + dy * dy <= squared_eps * (1.0 + 1e-12)


@compiled
def _is_any_near(grid: Grid, left: int, right: int, core: NDArray[np.bool_], reach: Reach) -> bool:
    """True if any core point of a cell is a neighbour of any core point of another."""
    for i in range(grid.starts[left], grid.starts[left + 1]):
        if core[i]:
            for j in range(grid.starts[right], grid.starts[right + 1]):
                if core[j] and _are_near(grid.x[i] - grid.x[j], grid.y[i] - grid.y[j], reach):
                    return True
    return False


@compiled
def _number(grid: Grid, order: Integers, core: NDArray[np.bool_], parents: NDArray[np.int32], labels: Labels) -> None:
    """Label the core points, with clusters numbered by the first core point of each, and the rest as noise."""
    root_of = np.full(order.size, -1, np.int32)  # by row: the root cell of a core point
    for cell in range(grid.keys.size):
        root = _root(parents, cell)
        for position in range(grid.starts[cell], grid.starts[cell + 1]):
            if core[position]:
                root_of[order[position]] = root
    numbers = np.full(grid.keys.size, -1, np.int32)
    clusters = 0
    for row in range(order.size):
        root = root_of[row]
        if root < 0:
            labels[row] = NOISE
            continue
        if numbers[root] < 0:
            numbers[root] = clusters
            clusters += 1
        labels[row] = numbers[root]


@compiled
def _label_borders(grid: Grid, order: Integers, core: NDArray[np.bool_], reach: Reach, labels: Labels) -> None:
    """Label each point that is not core with the lowest label among the core points that are its neighbours."""
    firsts = np.zeros(5, np.int64)
    for cell in range(grid.keys.size):
        begin, end = grid.starts[cell], grid.starts[cell + 1]
        if core[begin:end].all():
            continue
        _seek_columns(grid, cell, firsts)
        for i in range(begin, end):
            if not core[i]:
                labels[order[i]] = _border_label(grid, cell, firsts, i, order, core, reach, labels)


@compiled
def _border_label(
    grid: Grid, cell: int, firsts: Integers, point: int, order: Integers, core: NDArray[np.bool_], reach: Reach,
    labels: Labels,
) -> int:  # fmt: skip
    """Lowest label among the core points that are neighbours of a point of a cell; noise without any."""
    lowest = NOISE
    for column in range(5):
        other = firsts[column]
        while other < grid.keys.size and grid.keys[other] <= grid.keys[cell] + (column - 2) * grid.width + 2:
            for j in range(grid.starts[other], grid.starts[other + 1]):
                label = labels[order[j]]
                if (
                    core[j]
                    and (lowest == NOISE or label < lowest)
                    and _are_near(grid.x[point] - grid.x[j], grid.y[point] - grid.y[j], reach)
                ):
                    lowest = label
            other += 1
    return lowest


@compiled
def cluster_labels(
    codes: NDArray[np.int32], users: int, x: Floats, y: Floats, eps: float, core_size: int, strict: bool
) -> Labels:
    """Label of each point by DBSCAN among the points of its user; -1 is noise.

    `codes` are the users, 0 to `users` - 1; `x` and `y` finite coordinates and `eps` a distance in the same unit;
    `core_size` the neighbours, the point included, that make a core point; `strict`: neighbours are closer than eps,
    else at most eps apart. Clusters are numbered per user by the first core point in the order of rows.
    """
    starts, rows = _rows_by_user(codes, users)
    reach = Reach(eps * eps, strict, core_size)
    labels = np.empty(codes.size, np.int32)
    for user in range(users):
        mine = rows[starts[user] : starts[user + 1]]
        own_labels = np.empty(mine.size, np.int32)
        if mine.size < core_size:
            own_labels[:] = NOISE
        elif mine.size <= PAIRWISE:
            _label_pairwise(_taken(x, mine), _taken(y, mine), reach, own_labels)
        else:
            _label_by_cells(_taken(x, mine), _taken(y, mine), eps, reach, own_labels)
        for place in range(mine.size):
            labels[mine[place]] = own_labels[place]
    return labels


@compiled
def _taken(values: Floats, rows: NDArray[np.int32]) -> Floats:
    """Values of some rows; `values[rows]`, which takes a second to compile."""
    taken = np.empty(rows.size)
    for place in range(rows.size):
        taken[place] = values[rows[place]]
    return taken


@compiled
def without_small(codes: NDArray[np.int32], users: int, labels: Labels, smallest: int) -> Labels:
    """Labels in which clusters of fewer than `smallest` points are noise; those left are numbered anew per user."""
    starts, rows = _rows_by_user(codes, users)
    kept = np.empty(labels.size, np.int32)
    for user in range(users):
        mine = rows[starts[user] : starts[user + 1]]
        sizes = np.zeros(mine.size, np.int32)
        for row in mine:
            if labels[row] != NOISE:
                sizes[labels[row]] += 1
        numbers = np.full(mine.size, NOISE, np.int32)
        clusters = 0
        for label in range(mine.size):
            if sizes[label] >= smallest:
                numbers[label] = clusters
                clusters += 1
        for row in mine:
            kept[row] = NOISE if labels[row] == NOISE else numbers[labels[row]]
    return kept
