"""Absent days by rule: a low total and few appliances in use, against local and lifetime baselines."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics, day_total

LOW_SHARE = 0.7
MOST_SPIKES = 4
MOST_SPIKES_WITHIN = 8
PEER_FLOOR_KWH = 1.5
"""Low quantile of the totals of days with people at home in British homes (real trial homes have 2.2 kWh and more on
19 days of 20); a parameter, since it belongs to the class of the meter."""

Floats = np.ndarray
Booleans = np.ndarray


def baseline(statistics: DayStatistics, peer_floor_kwh: float) -> Floats:
    """B_d in kWh: largest of the rolling 57-day median of the total, half the lifetime median, and the peer floor."""
    total = day_total(statistics)
    local = statistics.rolling_median(total, 28)
    lifetime = statistics.lifetime_quantile(total, 0.5)
    return np.fmax(np.fmax(local, 0.5 * lifetime), peer_floor_kwh)


def absent_by_rule(
    statistics: DayStatistics,
    *,
    peer_floor_kwh: float = PEER_FLOOR_KWH,
    low_share: float = LOW_SHARE,
    most_spikes: int = MOST_SPIKES,
    most_spikes_within: int = MOST_SPIKES_WITHIN,
) -> tuple[Booleans, Booleans]:
    """Flag of each day, true if absent, and a second one, true if it could be judged.

    Absent: total t_d < `low_share` × B_d and e_d ≤ `most_spikes`. Hysteresis: of the days that lie between two absent
    ones, one in each spell may have up to `most_spikes_within` spikes, its total being low too.
    """
    total, spikes = day_total(statistics), statistics.spikes
    known = ~np.isnan(total) & ~np.isnan(spikes)
    limit = baseline(statistics, peer_floor_kwh)
    with np.errstate(invalid="ignore"):
        low = known & (total < low_share * limit)
        absent = low & (spikes <= most_spikes)
        bridge = low & ~absent & (spikes <= most_spikes_within)
    return _bridged(absent, bridge, statistics.matrix.first_row), known


@njit(cache=True)
def _bridged(absent: Booleans, bridge: Booleans, first_row: np.ndarray) -> Booleans:
    """Absent days with the first day of each spell that may be bridged."""
    result = absent.copy()
    for meter in range(len(first_row) - 1):
        is_free = True
        for row in range(first_row[meter] + 1, first_row[meter + 1] - 1):
            if not absent[row] and not result[row]:
                if is_free and bridge[row] and absent[row - 1] and absent[row + 1]:
                    result[row] = True
                    is_free = False
                else:
                    is_free = True
    return result


def best_split(halfhours: Floats, *, falls: bool) -> int | None:
    """Half hour at which a day is best split in two segments of different mean and spread (normal likelihood).

    `halfhours`: kWh in order, without NaN. `falls`: whether use falls (people leave) or rises (they come back); splits
    in the other direction do not count. Returns the first half hour of the second segment, 1 to len - 1, or None.
    """
    values = np.log(halfhours.astype(np.float64) + 0.01)
    costs = {}
    for cut in range(1, len(values)):
        parts = values[:cut], values[cut:]
        if (parts[0].mean() > parts[1].mean()) == falls:
            costs[cut] = sum(len(part) * math.log(part.std() + 0.05) for part in parts)
    return min(costs, key=costs.__getitem__, default=None)
