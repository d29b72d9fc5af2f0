"""How a day's half hours lie against the mean profile of the days around it, on the scale of square roots."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics

PROFILE_DAYS = 14
"""Days before and after, the day itself left out."""
COLUMNS = ("profile_correlation", "profile_distance", "successive")
"""Correlation with the profile, root mean square distance from it, and autocorrelation of successive half hours."""

Floats = np.ndarray
Integers = np.ndarray


def profile_comparison(statistics: DayStatistics) -> dict[str, Floats]:
    """Columns `COLUMNS` of each day; NaN on days that cannot be judged."""
    matrix = statistics.matrix
    values = _compare(matrix.kwh, matrix.first_row, ~np.isnan(statistics["mean"]), PROFILE_DAYS)
    return {name: values[:, number] for number, name in enumerate(COLUMNS)}


@njit(cache=True)
def _compare(kwh: Floats, first_row: Integers, is_known: np.ndarray, half_days: int) -> Floats:
    result = np.full((kwh.shape[0], 3), np.nan)
    for meter in range(len(first_row) - 1):
        begin, end = first_row[meter], first_row[meter + 1]
        roots = np.zeros((end - begin, 48))
        known = np.zeros((end - begin, 48), dtype=np.int64)
        for day in range(end - begin):
            if is_known[begin + day]:
                for slot in range(48):
                    value = kwh[begin + day, slot]
                    if not math.isnan(value):
                        roots[day, slot] = math.sqrt(max(value, 0.0))
                        known[day, slot] = 1
        sums = np.zeros(48)
        counts = np.zeros(48, dtype=np.int64)
        entered = 0
        for day in range(end - begin):
            while entered < end - begin and entered <= day + half_days:
                sums += roots[entered]
                counts += known[entered]
                entered += 1
            if day - half_days - 1 >= 0:
                sums -= roots[day - half_days - 1]
                counts -= known[day - half_days - 1]
            if is_known[begin + day]:
                _judge(roots[day], known[day], sums - roots[day], counts - known[day], result[begin + day])
    return result


@njit(cache=True)
def _judge(root: Floats, known: Integers, sums: Floats, counts: Integers, out: Floats) -> None:
    """Fill the columns of a day; of half hours that are known on the day and around it."""
    number = 0
    day_mean = 0.0
    usual_mean = 0.0
    for slot in range(48):
        if known[slot] and counts[slot] > 0:
            number += 1
            day_mean += root[slot]
            usual_mean += sums[slot] / counts[slot]
    number = max(number, 1)
    day_mean /= number
    usual_mean /= number
    day_squares = 0.0
    usual_squares = 0.0
    products = 0.0
    distance = 0.0
    steps = 0.0
    before = 0.0
    for slot in range(48):
        day = 0.0
        if known[slot] and counts[slot] > 0:
            day = root[slot] - day_mean
            usual = sums[slot] / counts[slot] - usual_mean
            day_squares += day * day
            usual_squares += usual * usual
            products += day * usual
            distance += (root[slot] - sums[slot] / counts[slot]) ** 2
        steps += day * before
        before = day
    scale = math.sqrt(day_squares * usual_squares)
    # Below, the day or the profile is constant but for rounding.
    out[0] = products / scale if scale > 1e-12 else 0.0
    out[1] = math.sqrt(distance / number)
    out[2] = steps / day_squares if day_squares > 1e-12 else 0.0
