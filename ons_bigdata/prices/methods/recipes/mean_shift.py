"""Mean shift with a flat kernel, for a few hundred points of a few dimensions, thousands of times a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MOST_STEPS = 300
STILL = 1e-3
"""A mean that moves by less than this share of the bandwidth has arrived."""


def nearest_share_bandwidth(points: Floats, share: float) -> float:
    """Give the mean over points of the distance within which a share (0-1) of all points lies, the point included.

    `points`: points × dimensions, at least one.
    """
    neighbours = max(1, int(len(points) * share))
    distances = np.partition(cdist(points, points), neighbours - 1, axis=1)
    return float(distances[:, neighbours - 1].mean())


def mean_shift(points: Floats, seeds: Floats, bandwidth: float) -> Integers:
    """Cluster points by the modes that the seeds climb to: a label per point, 0 for the mode with the most points.

    Each seed moves to the mean of the points within the bandwidth until it stands still. Of modes within a bandwidth
    of each other the one with the most points stays (the one with the larger coordinates, in order, among equals).
    Each point belongs to its nearest mode. `points`, `seeds`: points × dimensions, finite; a seed with no point within
    the bandwidth is no mode.

    Raises ValueError where no seed has one. Source: Comaniciu and Meer (2002), Mean shift: A robust approach toward
    feature space analysis, IEEE Transactions on Pattern Analysis and Machine Intelligence 24(5).
    """
    climbed = [_climbed(points, seed, bandwidth) for seed in seeds]
    members = {tuple(mode.tolist()): count for mode, count in climbed if count}
    if not members:
        message = f"no point lies within the bandwidth ({bandwidth:g}) of any of {len(seeds)} seeds"
        raise ValueError(message)
    modes = np.array(sorted(members, key=lambda mode: (members[mode], mode), reverse=True))
    near = cdist(modes, modes) <= bandwidth
    stays = np.ones(len(modes), dtype=np.bool_)
    for place in range(len(modes)):
        if stays[place]:
            stays[near[place]] = False
            stays[place] = True
    return cdist(points, modes[stays]).argmin(axis=1)


def _climbed(points: Floats, seed: Floats, bandwidth: float) -> tuple[Floats, int]:
    """Give where a seed comes to stand, and the points within the bandwidth of the place before."""
    mean, count = seed, 0
    for _ in range(MOST_STEPS + 1):
        within = points[((points - mean) ** 2).sum(axis=1) <= bandwidth**2]
        count = len(within)
        if not count:
            break
        before, mean = mean, within.mean(axis=0)
        if np.linalg.norm(mean - before) <= STILL * bandwidth:
            break
    return mean, count
