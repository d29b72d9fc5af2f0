"""Features of a meter's quarter: how often its days have life in them, how much it uses, and the year before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numba import njit

from ons_bigdata.meters.methods.absence.day_matrix import DayMatrix
from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics, day_total
from ons_bigdata.meters.methods.order_statistics import median_of_sorted, quantile_of_sorted, sum_of

LEAST_COVERAGE = 0.5
"""Share of the days of a quarter that need readings for a judgement."""
VACANT_KWH = 180.0
YEAR_QUARTERS = 4
LEAST_DAYS = 10
"""Known days from which a quarter has features."""

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

_RAW = (
    *("day_mean", "day_median", "day_high", "absent_share", "probability_mean", "lively_share", "spikes_mean"),
    *("longest_absence", "weekend_contrast", "present_runs", "last_month_share", "spikes_high", "third_median"),
    *("third_high", "active_to_night", "evening_to_base", "base", "largest"),
)
"""Statistics of a quarter from which its features follow."""

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
    total = day_total(statistics)
    days, kwh, raw = _measure_quarters(
        first_row,
        total,
        matrix.day,
        probability_absent,
        _of_days(statistics),
        LEAST_DAYS,
        len(_RAW),
    )
    columns = _named(dict(zip(_RAW, raw.T, strict=True)))
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


def _of_days(statistics: DayStatistics) -> Floats:
    """Values of days whose medians or quantiles over a quarter are features.

    Spikes, third-largest half hour, active hours against the night, evening against the night base, night base, largest
    half hour.
    """
    base = statistics.base
    with np.errstate(invalid="ignore"):
        contrast = np.log((statistics["active_mean"] + 0.005) / (statistics["night_mean"] + 0.005))
        evening = np.log((statistics["evening_mean"] + 0.005) / (base + 0.005))
    columns = (statistics.spikes, statistics["third_largest"], contrast, evening, base, statistics["largest"])
    return np.column_stack(columns)


def _named(raw: dict[str, Floats]) -> dict[str, Floats]:
    """Features `OF_QUARTER` of the quarters' raw statistics."""
    with np.errstate(invalid="ignore"):
        logs = {
            "log_kwh": np.log((raw["day_mean"] * 90 + 2) / VACANT_KWH),
            "log_day_median": np.log(raw["day_median"] + 0.02),
            "log_day_high": np.log(raw["day_high"] + 0.02),
            "high_to_median": np.log((raw["day_high"] + 0.02) / (raw["day_median"] + 0.02)),
            "log_base": np.log(raw["base"] + 0.005),
        }
    named = {**raw, **logs}
    return {name: named[name] for name in OF_QUARTER}


@njit(cache=True)
def _measure_quarters(  # noqa: PLR0912, PLR0915 (one pass)
    first_row: Integers,
    total: Floats,
    day: Integers,
    probability: Floats,
    of_days: Floats,
    least_days: int,
    columns: int,
) -> tuple[Integers, Floats, Floats]:
    """Known days, kWh, and raw statistics (quarters × `_RAW`; NaN with too few known days) of each quarter."""
    quarters = len(first_row) - 1
    days = np.zeros(quarters, dtype=np.int64)
    kwh = np.zeros(quarters)
    result = np.full((quarters, columns), np.nan)
    for quarter in range(quarters):
        begin, end = first_row[quarter], first_row[quarter + 1]
        known = np.empty(end - begin, dtype=np.int64)
        count = 0
        for row in range(begin, end):
            if not math.isnan(total[row]):
                known[count] = row
                count += 1
        days[quarter] = count
        values = np.empty(count)
        for place in range(count):
            values[place] = total[known[place]]
        kwh[quarter] = sum_of(values, count)
        if count < least_days:
            continue
        out = result[quarter]
        out[0] = kwh[quarter] / count
        ordered = np.sort(values)
        out[1] = median_of_sorted(ordered, count)
        out[2] = quantile_of_sorted(ordered, count, 0.9)
        last = day[known[count - 1]]
        absent = lively = late = late_absent = weekend = weekend_absent = run = longest = returns = 0
        spikes = 0.0
        for place in range(count):
            row = known[place]
            values[place] = probability[row]
            is_absent = probability[row] >= 0.5
            spikes += of_days[row, 0]
            lively += of_days[row, 0] >= 3
            if is_absent:
                absent += 1
                run += 1
                longest = max(longest, run)
            else:
                returns += run > 0
                run = 0
            if (day[row] + 3) % 7 >= 5:
                weekend += 1
                weekend_absent += is_absent
            if day[row] > last - 30:
                late += 1
                late_absent += is_absent
        out[3] = absent / count
        out[4] = sum_of(values, count) / count
        out[5] = lively / count
        out[6] = spikes / count
        out[7] = longest / count
        weekdays, weekdays_absent = count - weekend, absent - weekend_absent
        on_weekends = (weekend - weekend_absent) / weekend if weekend else 0.0
        on_weekdays = (weekdays - weekdays_absent) / weekdays if weekdays else 0.0
        out[8] = on_weekends - on_weekdays
        out[9] = float(returns) * 90 / count
        out[10] = late_absent / late
        for column in range(6):
            unknown = False
            for place in range(count):
                values[place] = of_days[known[place], column]
                unknown = unknown or math.isnan(values[place])
            if unknown:  # as numpy has it
                continue
            ordered = np.sort(values)
            if column == 0:
                out[11] = quantile_of_sorted(ordered, count, 0.9)
            elif column == 1:
                out[12] = median_of_sorted(ordered, count)
                out[13] = quantile_of_sorted(ordered, count, 0.9)
            elif column == 5:
                out[17] = quantile_of_sorted(ordered, count, 0.9)
            else:
                out[12 + column] = median_of_sorted(ordered, count)
    return days, kwh, result


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
