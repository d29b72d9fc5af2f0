"""Scores of single days in the context of the days around and of the home's whole time: what the smoother sees."""

from __future__ import annotations

import numpy as np

from ons_bigdata.meters.methods.absence.features import FEATURES
from ons_bigdata.meters.methods.order_statistics import quantiles_by_group

NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = (2, 5, 14, 45)
"""Days before and after over which scores are averaged."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FROM_DAY = (
    *("total_to_local", "total_to_lifetime", "total_to_high", "third_to_base", "largest_to_base", "spikes"),
    *("spikes_of_48", "early_to_base", "breakfast_to_base", "afternoon_to_base", "late_to_base", "night_likelihood"),
    *("usual_excess", "above_nights", "successive", "profile_correlation", "night_share", "spikes_local"),
    *("lifetime_to_floor", "high_to_floor", "lifetime_spikes_high"),
)
"""Features of the day that enter as they are."""


def _of_score(name: str) -> tuple[str, ...]:
    """Columns of the context of one score."""
    return (
        name,
        *(f"{name}_{offset:+d}" for offset in NEIGHBOURS),
        *(f"{name}_mean_{days}" for days in WINDOWS),
        *(f"{name}_quantile_{quantile:g}" for quantile in QUANTILES),
        *(f"{name}_least_beside", f"{name}_most_beside", f"{name}_likely_45"),
    )


CONTEXT = (*_of_score("score"), *FROM_DAY, *_of_score("injected_score"))
_COLUMNS = [FEATURES.index(name) for name in FROM_DAY]

Floats = np.ndarray
Integers = np.ndarray


def score_context(scores: Floats, injected_scores: Floats, features: Floats, first_row: Integers) -> Floats:
    """Context of the two scores of each day, days × `CONTEXT`; NaN where unknown.

    `scores`, `injected_scores`: log odds of absence by the trees of true and of injected absences, NaN on days that
    cannot be judged. `features`: of the same days, days × `FEATURES`. `first_row`: first row of each meter, and at the
    end the number of rows. Days of a meter follow each other without gaps.
    """
    of_true, of_injected = (_around(part, first_row) for part in (scores, injected_scores))
    return np.column_stack([*of_true, features[:, _COLUMNS], *of_injected])


def _around(scores: Floats, first_row: Integers) -> list[Floats]:
    """Columns of the context of one score."""
    count = len(scores)
    rows = np.arange(count)
    meter = np.repeat(np.arange(len(first_row) - 1), np.diff(first_row))
    begin, end = first_row[meter], first_row[meter + 1]
    columns = [scores]
    for offset in NEIGHBOURS:
        other = rows + offset
        columns.append(np.where((other >= begin) & (other < end), scores[np.clip(other, 0, count - 1)], np.nan))
    before, after = columns[1 + NEIGHBOURS.index(-1)], columns[1 + NEIGHBOURS.index(1)]
    columns += [_mean_around(scores, begin, end, days) for days in WINDOWS]
    columns += list(_quantiles(scores, first_row).T)
    likely = np.where(np.isnan(scores), np.nan, scores > 0)
    return [*columns, np.fmin(before, after), np.fmax(before, after), _mean_around(likely, begin, end, 45)]


def _mean_around(values: Floats, begin: Integers, end: Integers, days: int) -> Floats:
    """Mean of the known values of the same meter within so many days before and after, NaN without any."""
    known = ~np.isnan(values)
    sums, counts = (np.concatenate([[0.0], np.cumsum(part)]) for part in (np.where(known, values, 0.0), known))
    rows = np.arange(len(values))
    first, last = np.maximum(rows - days, begin), np.minimum(rows + days + 1, end)
    number = counts[last] - counts[first]
    return np.where(number > 0, (sums[last] - sums[first]) / np.maximum(number, 1), np.nan)


def _quantiles(scores: Floats, first_row: Integers) -> Floats:
    """Quantiles of all known scores of the meter of each day, days × `QUANTILES`."""
    of_meters = quantiles_by_group(scores, first_row, np.array(QUANTILES))
    return np.repeat(of_meters, np.diff(first_row), axis=0)
