"""Segments of all days as runs of days: short where chains seldom break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]


def runs_of_segments(segments: Integers) -> Integers:
    """Runs of days of one segment: rows of stratum, first day, day after the last, and segment.

    `segments`: strata x days.
    """
    runs = []
    for stratum, numbers in enumerate(segments):
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
        stops = np.append(starts, len(numbers))[1:]
        runs.append(np.column_stack([np.full(len(starts), stratum), starts, stops, numbers[starts]]))
    return np.concatenate(runs) if runs else np.zeros((0, 4), dtype=np.int64)


def segments_of_runs(runs: Integers, strata: int, days: int) -> Integers:
    """Segments, strata x days, of `runs_of_segments`; -1 on days that no run has."""
    segments = np.full((strata, days), ABSENT)
    for stratum, start, stop, number in runs.tolist():
        segments[stratum, start:stop] = number
    return segments
