"""Clusters by all pairs of points of a user, in array operations: for few points, without compiled code.

The labels are those of `clustering.kernel`. Compiling that takes more than ten seconds, once for each installation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOISE = -1


def pairs_of(codes: NDArray[np.integer]) -> int:
    """Number of pairs of points of the same user, each point with itself included."""
    return int((np.bincount(codes).astype(np.int64) ** 2).sum()) if codes.size else 0


def pairwise_labels(
    codes: NDArray[np.integer],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    eps: float,
    core_size: int,
    strict: bool,
    smallest: int = 1,
) -> NDArray[np.int32]:
    """Label of each point by DBSCAN among the points of its user; -1 is noise.

    `codes`, `x`, `y`, `eps`, `core_size` and `strict` as in `clustering.kernel.cluster_labels`. Clusters of fewer than
    `smallest` points are noise, and the others numbered anew, as by `clustering.kernel.without_small`.
    """
    labels = np.full(codes.size, NOISE, dtype=np.int32)
    if not codes.size:
        return labels
    first, second = _near_pairs(codes, x, y, eps, strict)
    core = np.bincount(first, minlength=codes.size) >= core_size
    between = core[first] & core[second]
    graph = coo_array((np.ones(between.sum(), bool), (first[between], second[between])), shape=(codes.size,) * 2)
    component = connected_components(graph, directed=False)[1]
    rows = np.flatnonzero(core)
    if not rows.size:
        return labels
    leader = np.full(component.max() + 1, codes.size)
    np.minimum.at(leader, component[rows], rows)
    cluster = np.full(codes.size, codes.size)  # row of the first core point of the cluster of each point
    cluster[rows] = leader[component[rows]]
    reached = core[second] & ~core[first]
    np.minimum.at(cluster, first[reached], cluster[second[reached]])  # of several, the cluster with the lowest number
    found = np.flatnonzero(cluster < codes.size)
    sizes = np.bincount(cluster[found], minlength=codes.size)
    found = found[sizes[cluster[found]] >= smallest]
    leaders = np.unique(cluster[found])
    order = np.lexsort((leaders, codes[leaders]))
    users = codes[leaders][order]
    starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if users.size else np.empty(0, np.int64)
    number = np.empty(leaders.size, np.int32)
    number[order] = np.arange(users.size) - np.repeat(starts, np.diff(np.r_[starts, users.size]))
    labels[found] = number[np.searchsorted(leaders, cluster[found])]
    return labels


def _near_pairs(
    codes: NDArray[np.integer], x: NDArray[np.float64], y: NDArray[np.float64], eps: float, strict: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of pairs of points of a user in reach of each other, in both orders and each point with itself."""
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    ends = np.cumsum(counts)
    sizes = np.repeat(counts, counts)  # of the user of each point in order
    first = np.repeat(np.arange(codes.size), sizes)
    begin = np.repeat(np.repeat(ends - counts, counts), sizes)
    offset = np.arange(first.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows, others = order[first], order[begin + offset]
    squared = (x[rows] - x[others]) ** 2 + (y[rows] - y[others]) ** 2
    near = squared < eps * eps if strict else squared <= eps * eps
    return rows[near], others[near]
