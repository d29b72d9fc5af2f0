"""Features of a meter's quarter: how often its days have life in them, how much it uses, and the year before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import DayMatrix
from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics, day_total

LEAST_COVERAGE = 0.5
"""Share of the days of a quarter that need readings for a judgement."""
VACANT_KWH = 180.0
YEAR_QUARTERS = 4

OF_QUARTER = (
    *("log_kwh", "absent_share", "probability_mean", "lively_share", "spikes_mean", "spikes_high", "longest_absence"),
    *("log_day_median", "log_day_high", "high_to_median", "third_median", "third_high", "active_to_night"),
    *("evening_to_base", "weekend_contrast", "present_runs", "last_month_share", "log_base", "largest"),
)
OVER_YEAR = ("absent_share", "weekend_contrast", "present_runs", "log_kwh", "lively_share")
"""Features whose mean, least and largest over the quarter and up to three before it enter, too."""
FEATURES = (
    *OF_QUARTER,
    *(f"{name}_{kind}" for name in OVER_YEAR for kind in ("year", "least", "most")),
    "quarters_known",
)

Floats = np.ndarray
Integers = np.ndarray


@dataclass(frozen=True)
class QuarterFeatures:
    """Features of quarters: `keys` (meter, quarter, days, coverage, kwh), rows × `FEATURES`, and where each begins.

    `first_row`: first row of the day matrix of each quarter, and at the end the number of rows. `meter`: number of the
    meter of each quarter.
    """

    keys: pl.DataFrame
    values: Floats
    first_row: Integers
    meter: Integers


def _quarter_of(day: Integers) -> Integers:
    """Quarters since 1970 of days since 1970-01-01."""
    months = (np.datetime64("1970-01-01") + day).astype("datetime64[M]").astype(np.int64)
    return months // 3


def quarter_features(statistics: DayStatistics, probability_absent: Floats) -> QuarterFeatures:
    """Features of all quarters of the meters of a day matrix.

    `probability_absent`: of each row of the matrix, NaN on days that cannot be judged.
    """
    matrix = statistics.matrix
    quarter = _quarter_of(matrix.day)
    begins = np.flatnonzero((np.diff(quarter, prepend=-1) != 0) | (np.diff(matrix.meter, prepend=-1) != 0))
    first_row = np.append(begins, len(quarter))
    columns = {name: np.full(len(begins), np.nan) for name in OF_QUARTER}
    total = day_total(statistics)
    days, kwh = np.zeros(len(begins), dtype=np.int64), np.zeros(len(begins))
    for number, (begin, end) in enumerate(pairwise(first_row)):
        known = np.flatnonzero(~np.isnan(total[begin:end])) + begin
        days[number], kwh[number] = len(known), total[known].sum()
        if len(known) >= 10:
            for name, value in _of_quarter(statistics, matrix, probability_absent, total, known).items():
                columns[name][number] = value
    meter = matrix.meter[begins]
    numbers = quarter[begins]
    table = {**columns, **_over_year(columns, meter, numbers)}
    return QuarterFeatures(
        _keys(matrix, begins, numbers, days, kwh), np.column_stack([table[name] for name in FEATURES]), first_row, meter
    )


def _keys(matrix: DayMatrix, begins: Integers, numbers: Integers, days: Integers, kwh: Floats) -> pl.DataFrame:
    meters = matrix.keys["meter"].unique(maintain_order=True)
    starts = [date(1970 + int(number) // 4, 1 + 3 * (int(number) % 4), 1) for number in numbers]
    start = pl.col("quarter")
    return pl.DataFrame(
        {
            "meter": meters.gather(matrix.meter[begins]),
            "quarter": pl.Series(starts, dtype=pl.Date),
            "days": days,
            "kwh": kwh,
        }
    ).with_columns(coverage=pl.col("days") / (start.dt.offset_by("1q") - start).dt.total_days())


def _of_quarter(
    statistics: DayStatistics, matrix: DayMatrix, probability: Floats, total: Floats, known: Integers
) -> dict[str, float]:
    """Features of the known days of a quarter."""
    chance = probability[known]
    absent = chance >= 0.5
    spikes = statistics.spikes[known]
    lively = spikes >= 3
    day = total[known]
    third = statistics["third_largest"][known]
    base = statistics.base[known]
    contrast = np.log((statistics["active_mean"][known] + 0.005) / (statistics["night_mean"][known] + 0.005))
    evening = np.log((statistics["evening_mean"][known] + 0.005) / (base + 0.005))
    weekend = (matrix.day[known] + 3) % 7 >= 5
    present_weekend = float((~absent[weekend]).mean()) if weekend.any() else 0.0
    present_weekday = float((~absent[~weekend]).mean()) if (~weekend).any() else 0.0
    late = matrix.day[known] > matrix.day[known[-1]] - 30
    median, high = np.median(day), np.quantile(day, 0.9)
    return {
        "log_kwh": float(np.log((day.mean() * 90 + 2) / VACANT_KWH)),
        "absent_share": float(absent.mean()),
        "probability_mean": float(chance.mean()),
        "lively_share": float(lively.mean()),
        "spikes_mean": float(spikes.mean()),
        "spikes_high": float(np.quantile(spikes, 0.9)),
        "longest_absence": _longest_run(absent) / len(known),
        "log_day_median": float(np.log(median + 0.02)),
        "log_day_high": float(np.log(high + 0.02)),
        "high_to_median": float(np.log((high + 0.02) / (median + 0.02))),
        "third_median": float(np.median(third)),
        "third_high": float(np.quantile(third, 0.9)),
        "active_to_night": float(np.median(contrast)),
        "evening_to_base": float(np.median(evening)),
        "weekend_contrast": present_weekend - present_weekday,
        "present_runs": float((np.diff(absent.astype(np.int8)) == -1).sum()) * 90 / len(known),
        "last_month_share": float(absent[late].mean()),
        "log_base": float(np.log(np.median(base) + 0.005)),
        "largest": float(np.quantile(statistics["largest"][known], 0.9)),
    }


def _longest_run(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _over_year(columns: dict[str, Floats], meter: Integers, quarter: Integers) -> dict[str, Floats]:
    """Mean, least and largest of some features over a quarter and up to three before it, and how many these are."""
    rows = len(meter)
    stacks = {name: np.full((rows, YEAR_QUARTERS), np.nan) for name in OVER_YEAR}
    for back in range(YEAR_QUARTERS):
        for name in OVER_YEAR:
            earlier = np.arange(rows) - back
            inside = earlier >= 0
            same = inside.copy()
            same[inside] = (meter[earlier[inside]] == meter[inside]) & (
                quarter[inside] - quarter[earlier[inside]] < YEAR_QUARTERS
            )
            stacks[name][same, back] = columns[name][earlier[same]]
    result: dict[str, Floats] = {}
    for name, stack in stacks.items():
        known = ~np.isnan(stack)
        count = known.sum(axis=1)
        some = count > 0
        result[f"{name}_year"] = np.where(some, np.where(known, stack, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
        result[f"{name}_least"] = np.where(some, np.where(known, stack, np.inf).min(axis=1), np.nan)
        result[f"{name}_most"] = np.where(some, np.where(known, stack, -np.inf).max(axis=1), np.nan)
    result["quarters_known"] = (~np.isnan(stacks["absent_share"])).sum(axis=1).astype(np.float64)
    return result
