"""How far the half hours of a day are distributed as those of the nights around it rather than of usual days."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics

CLASSES = 12
"""Classes of kWh, of the same number of the home's half hours each."""
WINDOW_DAYS = 21
"""Days before and after from which the distributions are taken, the day itself left out."""
SAMPLED_EVERY = 7
"""Every seventh half hour of a home gives the limits of the classes, which spares sorting."""
PRIOR_COUNT = 1.0
"""Half hours added to each class."""

COLUMNS = ("night_likelihood", "night_position", "night_divergence", "night_excess", "usual_excess")
"""Mean log likelihood ratio of a half hour of the day, night against usual; the same on a scale on which 0 is what a
usual day and 1 what a night would have; what a night would have; largest excess of the day's distribution function
under that of the nights; largest difference from that of usual days."""

Floats = np.ndarray
Integers = np.ndarray


def night_likeness(statistics: DayStatistics) -> dict[str, Floats]:
    """Columns `COLUMNS` of each day; NaN on days that cannot be judged.

    The half hours from 06:00 to 23:30 are compared with those of the same part of usual days (morning, midday, evening)
    and with those of the nights (02:00 to 05:00) within 21 days.
    """
    matrix = statistics.matrix
    values = _compare(matrix.kwh, matrix.first_row, ~np.isnan(statistics["mean"]), WINDOW_DAYS, PRIOR_COUNT)
    return {name: values[:, number] for number, name in enumerate(COLUMNS)}


@njit(cache=True)
def _class_limits(kwh: Floats) -> Floats:
    """Upper limits of the classes but the last: quantiles of a sample of the half hours."""
    sample = np.empty(kwh.size // 7 + 1, dtype=np.float32)
    count = 0
    for place in range(0, kwh.size, 7):
        value = kwh[place // 48, place % 48]
        if not math.isnan(value):
            sample[count] = value
            count += 1
    limits = np.zeros(11, dtype=np.float32)
    if count:
        ordered = np.sort(sample[:count])
        for number in range(11):
            limits[number] = ordered[(count * (number + 1)) // 12]
    return limits


@njit(cache=True)
def _counts(kwh: Floats, is_known: np.ndarray) -> np.ndarray:
    """Half hours by day, part (night, morning, midday, evening) and class."""
    limits = _class_limits(kwh)
    counts = np.zeros((kwh.shape[0], 4, 12), dtype=np.float32)
    for day in range(kwh.shape[0]):
        if not is_known[day]:
            continue
        for slot in range(4, 47):
            if 10 <= slot < 12 or math.isnan(kwh[day, slot]):
                continue
            part = 0 if slot < 10 else (1 if slot < 20 else (2 if slot < 34 else 3))
            value = kwh[day, slot]
            number = 0
            while number < 11 and value > limits[number]:
                number += 1
            counts[day, part, number] += 1
    return counts


@njit(cache=True)
def _judge(day: Floats, around: Floats, prior: float, out: Floats) -> None:
    """Fill the columns of a day from its counts and those of the days around."""
    night = (around[0] + prior) / (around[0].sum() + 12 * prior)
    total = 0.0
    ratio = 0.0
    as_night = 0.0
    as_usual = 0.0
    mixed = np.zeros(12)
    own = np.zeros(12)
    for part in range(1, 4):
        usual = (around[part] + prior) / (around[part].sum() + 12 * prior)
        count = day[part].sum()
        total += count
        for number in range(12):
            step = math.log(night[number] / usual[number])
            ratio += day[part, number] * step
            as_night += count * night[number] * step
            as_usual += count * usual[number] * step
            mixed[number] += count * usual[number]
            own[number] += day[part, number]
    if total == 0:
        return
    out[0] = ratio / total
    out[1] = (ratio - as_usual) / max(as_night - as_usual, 0.02 * total)
    out[2] = as_night / total
    largest = 0.0
    difference = 0.0
    of_day = 0.0
    of_night = 0.0
    of_usual = 0.0
    for number in range(12):
        of_day += own[number] / total
        of_night += night[number]
        of_usual += mixed[number] / total
        largest = max(largest, of_night - of_day)
        difference = max(difference, abs(of_usual - of_day))
    out[3] = largest
    out[4] = difference


@njit(cache=True)
def _compare(kwh: Floats, first_row: Integers, is_known: np.ndarray, half_days: int, prior: float) -> Floats:
    result = np.full((kwh.shape[0], 5), np.nan)
    for meter in range(len(first_row) - 1):
        begin, end = first_row[meter], first_row[meter + 1]
        counts = _counts(kwh[begin:end], is_known[begin:end])
        sums = np.zeros((4, 12))
        entered = 0
        for day in range(end - begin):
            while entered < end - begin and entered <= day + half_days:
                sums += counts[entered]
                entered += 1
            if day - half_days - 1 >= 0:
                sums -= counts[day - half_days - 1]
            if is_known[begin + day]:
                _judge(counts[day], sums - counts[day], prior, result[begin + day])
    return result
