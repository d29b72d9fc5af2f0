"""Statistics of the half hours of single days, and medians of days around them: what rule, chain and trees work on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from ons_bigdata.meters.methods.absence.day_matrix import LEAST_READINGS, SLOTS, DayMatrix
from ons_bigdata.meters.methods.order_statistics import quantiles_by_group, rolling_quantile

NIGHT_FROM, NIGHT_TO = 4, 10
"""Half hours from 02:00 to 05:00."""
ACTIVE_FROM, ACTIVE_TO = 12, 47
"""Half hours from 06:00 to 23:30."""
MORNING_FROM, MORNING_TO = 12, 20
"""Half hours from 06:00 to 10:00."""
EVENING_FROM, EVENING_TO = 34, 47
"""Half hours from 17:00 to 23:30."""
SPIKE_KWH = 0.08
"""Least kWh of a half hour above the night base that count as use of an appliance."""

COLUMNS = (
    *("mean", "night_median", "night_iqr", "night_max", "night_mean", "active_mean", "active_sd", "third_largest"),
    *("largest", "morning_mean", "midday_mean", "evening_mean", "roughness", "night_roughness", "low_decile"),
    *("median", "sixth_largest"),
)
"""Statistics of a day, kWh per half hour."""
_COLUMN = {name: number for number, name in enumerate(COLUMNS)}

Floats = np.ndarray
Integers = np.ndarray


@njit(cache=True)
def _measure_days(kwh: Floats, least_readings: int, columns: int) -> Floats:  # noqa: PLR0912, PLR0915 (one pass)
    """Statistics `COLUMNS` of each day, days × columns; NaN on days with too few readings."""
    days = kwh.shape[0]
    result = np.full((days, columns), np.nan)
    whole = np.empty(48)
    night = np.empty(6)
    for day in range(days):
        row = kwh[day]
        readings = 0
        for slot in range(48):
            if not math.isnan(row[slot]):
                whole[readings] = row[slot]
                readings += 1
        if readings < least_readings:
            continue
        out = result[day]
        out[0] = whole[:readings].mean()
        in_night = 0
        steps = 0.0
        pairs = 0
        for slot in range(4, 10):
            if not math.isnan(row[slot]):
                night[in_night] = row[slot]
                in_night += 1
                if slot > 4 and not math.isnan(row[slot - 1]):
                    steps += abs(row[slot] - row[slot - 1])
                    pairs += 1
        if in_night >= 3:
            ordered = np.sort(night[:in_night])
            out[1] = np.median(ordered)
            position = 0.75 * (in_night - 1)
            below = int(position)
            upper = ordered[below] + (position - below) * (ordered[min(below + 1, in_night - 1)] - ordered[below])
            position = 0.25 * (in_night - 1)
            below = int(position)
            lower = ordered[below] + (position - below) * (ordered[min(below + 1, in_night - 1)] - ordered[below])
            out[2] = upper - lower
            out[3] = ordered[-1]
            out[4] = ordered.mean()
        if pairs:
            out[13] = steps / pairs
        active = 0
        total = 0.0
        squares = 0.0
        parts = np.zeros(3)
        counts = np.zeros(3)
        steps = 0.0
        pairs = 0
        for slot in range(12, 47):
            value = row[slot]
            if math.isnan(value):
                continue
            whole[active] = value
            active += 1
            total += value
            squares += value * value
            part = 0 if slot < 20 else (1 if slot < 34 else 2)
            parts[part] += value
            counts[part] += 1
            if slot > 12 and not math.isnan(row[slot - 1]):
                steps += abs(value - row[slot - 1])
                pairs += 1
        if active >= 20:
            out[5] = total / active
            out[6] = math.sqrt(max(squares / active - out[5] * out[5], 0.0))
            ordered = np.sort(whole[:active])
            out[7] = ordered[active - 3]
            out[8] = ordered[active - 1]
            out[16] = ordered[active - 6]
            for part in range(3):
                if counts[part] > 0:
                    out[9 + part] = parts[part] / counts[part]
            if pairs:
                out[12] = steps / pairs
        readings = 0
        for slot in range(48):
            if not math.isnan(row[slot]):
                whole[readings] = row[slot]
                readings += 1
        ordered = np.sort(whole[:readings])
        out[14] = ordered[int(0.1 * (readings - 1))]
        out[15] = 0.5 * (ordered[(readings - 1) // 2] + ordered[readings // 2])
    return result


@njit(cache=True)
def _count_spikes(kwh: Floats, level: Floats) -> Floats:
    """Half hours from 06:00 to 23:30 above a level, by day; NaN where there is no level."""
    result = np.full(len(level), np.nan)
    for day in range(len(level)):
        if math.isnan(level[day]):
            continue
        count = 0
        for slot in range(12, 47):
            if kwh[day, slot] > level[day]:
                count += 1
        result[day] = count
    return result


@dataclass(frozen=True)
class DayStatistics:
    """Statistics of the days of a `DayMatrix`, and what rule and features share.

    `table`: days × `COLUMNS`. `base`: rolling 29-day median of the median night half hour, b_d. `spread`: the same of
    the interquartile range of the night half hours / 1.349, s_d. `spikes`: e_d.
    """

    matrix: DayMatrix
    table: Floats
    base: Floats
    spread: Floats
    spikes: Floats

    def __getitem__(self, name: str) -> Floats:
        """Column of the table."""
        return self.table[:, _COLUMN[name]]

    def rolling_median(self, values: Floats, half_days: int) -> Floats:
        """Median of the known values of the same meter within so many days before and after."""
        return rolling_quantile(values, self.matrix.first_row, half_days, 0.5)[0]

    def rolling_quantile(self, values: Floats, half_days: int, quantile: float) -> tuple[Floats, Floats]:
        """Quantile of the values of the same meter within so many days, and the share of them below the day's."""
        return rolling_quantile(values, self.matrix.first_row, half_days, quantile)

    def lifetime_quantile(self, values: Floats, quantile: float) -> Floats:
        """Quantile of the known values over all days of the meter, by day."""
        first = self.matrix.first_row
        of_meters = quantiles_by_group(np.ascontiguousarray(values), first, np.array([quantile]))[:, 0]
        return np.repeat(of_meters, np.diff(first))


def day_statistics(matrix: DayMatrix) -> DayStatistics:
    """Statistics of all days with readings enough (44 of 48, or as many pro rata on days of a clock change)."""
    table = _measure_days(matrix.kwh, LEAST_READINGS - 2, len(COLUMNS))
    readings = (~np.isnan(matrix.kwh)).sum(axis=1)
    table[readings < np.where(matrix.is_short, LEAST_READINGS - 2, LEAST_READINGS)] = np.nan
    first = matrix.first_row
    base = rolling_quantile(table[:, _COLUMN["night_median"]], first, 14, 0.5)[0]
    spread = rolling_quantile(table[:, _COLUMN["night_iqr"]], first, 14, 0.5)[0] / 1.349
    level = base + np.maximum(3 * spread, SPIKE_KWH)
    level[np.isnan(table[:, 0])] = np.nan
    return DayStatistics(matrix, table, base, spread, _count_spikes(matrix.kwh, level))


def day_total(statistics: DayStatistics) -> Floats:
    """Total kWh of each day, pro rata of 48 half hours."""
    return statistics["mean"] * SLOTS
