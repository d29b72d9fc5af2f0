"""Readings after a gap that hold the consumption of the gap, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.meters.methods.grid import lengths_of

if TYPE_CHECKING:
    from ons_bigdata.meters.methods.grid import Floats, HalfHourGrid, Ints

_SLOTS = 48
_UNUSUAL_QUANTILE = 0.99
"""Readings up to this quantile of the meter are usual, whatever stood before them."""


def accumulated_cells(
    values: Floats, grid: HalfHourGrid, means: Floats, *, least_gap: int, ratio: float, max_kwh: float
) -> Ints:
    """Cells with a reading that is about the sum of what was expected over the gap before it and its half hour.

    `values` has the readings of the cells (NaN = none), `means` the mean reading of each meter. A gap has `least_gap`
    cells or more. What is expected is the meter's mean profile over the day (in UTC), of readings up to `max_kwh`.
    The reading is between 1 / `ratio` and `ratio` times the expected sum, and above the meter's 99 % quantile, so that
    short gaps, of which the sum is usual for one half hour, have none.
    """
    after, gaps = _cells_after_gaps(values, grid.starts, least_gap)
    meters = np.searchsorted(grid.starts, after, side="right") - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        # the sum over the profile is between its least and its largest multiple: a wide net before the exact sum
        rough = values[after] / (means[meters] * (gaps + 1))
        is_possible = (values[after] > 2 * means[meters]) & (rough > 1 / (6 * ratio)) & (rough < 6 * ratio)
    after, gaps, meters = after[is_possible], gaps[is_possible], meters[is_possible]
    chosen = [
        _accumulated(values, grid, int(meter), after[meters == meter], gaps[meters == meter], ratio, max_kwh)
        for meter in np.unique(meters)
    ]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.int64)


def _cells_after_gaps(values: Floats, starts: Ints, least_gap: int) -> tuple[Ints, Ints]:
    """Cells with a reading just after `least_gap` or more cells without any of the same meter, and these numbers."""
    if not len(values):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    is_gap = np.isnan(values)
    if not is_gap.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begins = np.ones(len(values), dtype=bool)
    np.not_equal(is_gap[1:], is_gap[:-1], out=begins[1:])
    begins[starts[:-1][starts[:-1] < len(values)]] = True
    first, lengths = lengths_of(begins)
    after = first + lengths
    chosen = is_gap[first] & (lengths >= least_gap) & (after < len(values))
    chosen[chosen] &= ~np.isin(after[chosen], starts)
    return after[chosen], lengths[chosen]


def _accumulated(
    values: Floats, grid: HalfHourGrid, meter: int, after: Ints, gaps: Ints, ratio: float, max_kwh: float
) -> Ints:
    start, end = int(grid.starts[meter]), int(grid.starts[meter + 1])
    readings = values[start:end]
    is_usual = (readings >= 0) & (readings <= max_kwh)
    usual = readings[is_usual]
    slots = (int(grid.first[meter]) + np.arange(end - start)) % _SLOTS
    counts = np.bincount(slots[is_usual], minlength=_SLOTS)
    sums = np.bincount(slots[is_usual], weights=usual, minlength=_SLOTS)
    profile = np.where(counts > 0, sums / np.maximum(counts, 1), usual.mean())
    cumulated = np.concatenate([[0.0], np.cumsum(np.tile(profile, 2))])
    slot = slots[after - start]
    begin = (slot - gaps) % _SLOTS
    days, rest = (gaps + 1) // _SLOTS, (gaps + 1) % _SLOTS
    expected = days * profile.sum() + cumulated[begin + rest] - cumulated[begin]
    reading = values[after]
    is_about = (reading <= expected * ratio) & (reading * ratio >= expected)
    return after[is_about & (reading > np.quantile(usual, _UNUSUAL_QUANTILE))]
