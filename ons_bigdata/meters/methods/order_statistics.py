"""Compiled kernels of medians and quantiles, by window and by group; the same numbers as numpy's to the last bit."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

Floats = np.ndarray
Integers = np.ndarray


@njit(cache=True)
def quantile_of_sorted(ordered: Floats, count: int, quantile: float) -> float:
    """Quantile of the first `count` (1 or more) numbers in order, between neighbours as `np.quantile` has it."""
    position = quantile * (count - 1)
    below = math.floor(position)
    above = min(below + 1, count - 1)
    share = position - below
    step = ordered[above] - ordered[below]
    # numpy goes from the nearer neighbour
    return ordered[above] - step * (1 - share) if share >= 0.5 else ordered[below] + step * share


@njit(cache=True)
def median_of_sorted(ordered: Floats, count: int) -> float:
    """Median of the first `count` (1 or more) numbers in order, as `np.median` has it."""
    if count % 2:
        return ordered[count // 2]
    return (ordered[count // 2 - 1] + ordered[count // 2]) / 2


@njit(cache=True)
def sum_of(values: Floats, count: int) -> float:
    """Sum of the first `count` numbers, at most 128 of them in the order in which numpy adds them."""
    if count < 8:
        total = 0.0
        for place in range(count):
            total += values[place]
        return total
    parts = values[:8].copy()
    whole = count - count % 8
    for place in range(8, whole, 8):
        for lane in range(8):
            parts[lane] += values[place + lane]
    total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
    for place in range(whole, count):
        total += values[place]
    return total


@njit(cache=True)
def quantiles_by_group(values: Floats, first_row: Integers, quantiles: Floats) -> Floats:
    """Quantiles of the known values of each group of rows, groups × quantiles; NaN without any.

    `first_row`: first row of each group, and at the end the number of rows.
    """
    groups = len(first_row) - 1
    result = np.full((groups, len(quantiles)), np.nan)
    for group in range(groups):
        known = np.empty(first_row[group + 1] - first_row[group])
        count = 0
        for row in range(first_row[group], first_row[group + 1]):
            if not math.isnan(values[row]):
                known[count] = values[row]
                count += 1
        if count:
            ordered = np.sort(known[:count])
            for number in range(len(quantiles)):
                result[group, number] = quantile_of_sorted(ordered, count, quantiles[number])
    return result


@njit(cache=True)
def _place(ordered: Floats, count: int, value: float) -> int:
    """Number of values below `value`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def rolling_quantile(values: Floats, first_row: Integers, half_days: int, quantile: float) -> tuple[Floats, Floats]:
    """Quantile of the known values within so many rows of the group, and the share of them below the row's own."""
    rows = len(values)
    middle = np.full(rows, np.nan)
    rank = np.full(rows, np.nan)
    ordered = np.empty(2 * half_days + 2)
    for group in range(len(first_row) - 1):
        begin, end = first_row[group], first_row[group + 1]
        known = 0
        for row in range(begin, min(begin + half_days, end)):
            if not math.isnan(values[row]):
                place = _place(ordered, known, values[row])
                for later in range(known, place, -1):
                    ordered[later] = ordered[later - 1]
                ordered[place] = values[row]
                known += 1
        for row in range(begin, end):
            entering = values[row + half_days] if row + half_days < end else math.nan
            leaving = values[row - half_days - 1] if row - half_days - 1 >= begin else math.nan
            known = _exchange(ordered, known, entering, leaving)
            if known:
                position = quantile * (known - 1)
                below = int(position)
                above = min(below + 1, known - 1)
                middle[row] = ordered[below] + (position - below) * (ordered[above] - ordered[below])
                if not math.isnan(values[row]) and known > 1:
                    rank[row] = _place(ordered, known, values[row]) / (known - 1)
    return middle, rank


@njit(cache=True)
def _exchange(ordered: Floats, known: int, entering: float, leaving: float) -> int:
    """Number of values after one is put into `ordered` and another taken out, NaN for none; what lies between moves."""
    if math.isnan(leaving):
        if math.isnan(entering):
            return known
        place = _place(ordered, known, entering)
        for later in range(known, place, -1):
            ordered[later] = ordered[later - 1]
        ordered[place] = entering
        return known + 1
    gone = _place(ordered, known, leaving)
    if math.isnan(entering):
        for later in range(gone, known - 1):
            ordered[later] = ordered[later + 1]
        return known - 1
    if entering >= leaving:
        place = gone
        while place + 1 < known and ordered[place + 1] < entering:
            ordered[place] = ordered[place + 1]
            place += 1
    else:
        place = gone
        while place > 0 and ordered[place - 1] > entering:
            ordered[place] = ordered[place - 1]
            place -= 1
    ordered[place] = entering
    return known
