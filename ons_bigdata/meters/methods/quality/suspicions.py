"""Stretches of days that look wrong as a whole: units, factors of ten, bad days, values repeated in the first hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.grid import lengths_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


_ABOVE_ZERO = ("ok", "stuck", "outlier", "estimated", "estimated_flat", "post_gap_accumulation")
_WITHOUT_USE = (
    *("null_token", "error_code", "duplicate_conflict", "negative", "outlier", "post_gap_accumulation"),
    *("estimated_flat", "estimated"),
)


@dataclass(frozen=True)
class SuspicionRules:
    """Bounds of the suspicions."""

    usual_mean_kwh: tuple[float, float] = (5e-4, 15.0)
    """Mean reading above zero of a meter: lowest and highest that can be kWh of a home or a small business."""
    factor: tuple[float, float] = (7.0, 14.0)
    """Ratio between adjacent stretches, either way, that looks like a misplaced decimal point."""
    factor_days: int = 28
    """Days of the adjacent stretches."""
    bad_day_readings: int = 24
    """Least number of delivered half hours of a bad day."""
    repeated_days: int = 3
    """Least number of days of a meter on which the first hour repeats the day before: one or two come by chance."""
    repeated_ratio: float = 10.0
    """Ratio of their share to that of other hours of the night from which they are suspicious."""
    usual_share: float = 0.02
    """Share of the half hours of the night from which a value is usual: steps of a coarse meter, a timer."""


def find_suspicions(
    assessed: pl.DataFrame, days: pl.DataFrame, counts: pl.DataFrame, rules: SuspicionRules | None = None
) -> pl.DataFrame:
    """Find stretches of days of a meter that look wrong as a whole (as MeterSuspicion, by meter), sorted.

    `assessed` is the result of `assess`, `days` that of `meter_days` of it, `counts` that of `count_states`.

    * `unit_error`: the median over the months of the mean reading, zeros and negative ones apart, is no plausible
      number of kWh for half an hour (Wh, which is a thousand times as much, or MWh); the whole period.
    * `factor_of_ten`: medians of the daily total and of the daily minimum of two adjacent stretches of 28 days both
      differ by seven to fourteen times, in the same direction: an empty home uses less, but its base load stays.
      The lower stretch.
    * `bad_day`: half of the half hours or more were delivered, and none counts.
    * `repeated_first_hour`: both half hours of the first hour repeat those of the day before exactly, on three days of
      the meter or more, and ten times as often as other hours of the night do. Days do not count on which one of the
      values is usual for the meter: a flat load repeats it, and so does one that is switched on by a timer.

    Columns: meter, first_day, last_day, suspicion, ratio (mean reading in kWh of a unit error, the factor; else null).
    """
    rules = rules or SuspicionRules()
    parts = [
        _unit_errors(counts, days, rules),
        _factors_of_ten(days, rules),
        _bad_days(assessed, days, rules),
        _repeated_first_hours(days, rules),
    ]
    return pl.concat(parts).sort("meter", "first_day", "suspicion")


def _unit_errors(counts: pl.DataFrame, days: pl.DataFrame, rules: SuspicionRules) -> pl.DataFrame:
    low, high = rules.usual_mean_kwh
    months = (
        counts.filter(pl.col("state").is_in(_ABOVE_ZERO))
        .group_by("meter", "month")
        .agg((pl.col("kwh").sum() / pl.col("readings").sum()).alias("mean"))
    )
    means = months.filter(pl.col("mean") > 0).group_by("meter").agg(pl.col("mean").median().alias("ratio"))
    odd = means.filter(~pl.col("ratio").is_between(low, high))
    spans = days.group_by("meter").agg(pl.col("day").min().alias("first_day"), pl.col("day").max().alias("last_day"))
    return _stretches(odd.join(spans, on="meter").with_columns(suspicion=pl.lit("unit_error")), days)


def _factors_of_ten(days: pl.DataFrame, rules: SuspicionRules) -> pl.DataFrame:
    low, high = rules.factor
    stretches = (
        days.lazy()
        .with_columns(
            lowest=pl.col("kwh_halfhours").list.min().cast(pl.Float64),
            stretch=pl.int_range(pl.len()).over("meter") // rules.factor_days,
        )
        .group_by("meter", "stretch", maintain_order=True)
        .agg(
            pl.col("day").min().alias("first_day"),
            pl.col("day").max().alias("last_day"),
            pl.col("kwh").median(),
            pl.col("lowest").median(),
            pl.col("kwh").count().alias("present"),
        )
        .filter(pl.col("present") >= rules.factor_days // 2)
        .collect()
    )
    suspected = []
    for step in (1, -1):  # the stretch before, the stretch after
        other = [pl.col(name).shift(step).over("meter") / pl.col(name) for name in ("kwh", "lowest")]
        compared = stretches.with_columns(other[0].alias("ratio"), other[1].alias("lowest_ratio"))
        suspected.append(
            compared.filter(pl.col("ratio").is_between(low, high) & pl.col("lowest_ratio").is_between(low, high))
        )
    lower = pl.concat(suspected).unique(["meter", "stretch"], keep="first", maintain_order=True)
    return _stretches(lower.with_columns(suspicion=pl.lit("factor_of_ten")), days)


def _bad_days(assessed: pl.DataFrame, days: pl.DataFrame, rules: SuspicionRules) -> pl.DataFrame:
    empty = days.filter(pl.col("readings") == 0).select("meter", "day")
    if empty.is_empty():
        return _stretches(None, days)
    # rows of the UTC day are near enough to tell a delivered day from a missing one
    delivered = (
        assessed.lazy()
        .filter(pl.col("state").is_in(_WITHOUT_USE))
        .with_columns(pl.col("started_at").dt.date().alias("day"))
        .join(empty.lazy(), on=["meter", "day"], how="semi")
        .group_by("meter", "day")
        .agg(pl.len().alias("rows"))
        .filter(pl.col("rows") >= rules.bad_day_readings)
        .collect()
    )
    bad = delivered.select(
        "meter", first_day="day", last_day="day", suspicion=pl.lit("bad_day"), ratio=pl.lit(None, dtype=pl.Float64)
    )
    return _stretches(bad, days)


def _repeated_first_hours(days: pl.DataFrame, rules: SuspicionRules) -> pl.DataFrame:
    night = np.column_stack([days["kwh_halfhours"].list.get(slot).to_numpy() for slot in range(10)])
    if not len(night):
        return _stretches(None, days)
    follows = _follows(days)
    equal = np.zeros(night.shape, dtype=bool)
    equal[1:] = (night[1:] == night[:-1]) & (night[1:] > 0) & follows[1:, None]
    pairs = equal[:, 0::2] & equal[:, 1::2]
    begins = days["meter"].ne_missing(days["meter"].shift(1)).to_numpy().copy()
    begins[0] = True
    at, lengths = lengths_of(begins)
    first_hours = np.add.reduceat(pairs[:, 0], at, dtype=np.int64)
    other_share = np.add.reduceat(pairs[:, 1:].sum(axis=1), at) / (4 * lengths)
    is_unlikely = (first_hours >= rules.repeated_days) & (first_hours / lengths >= rules.repeated_ratio * other_share)
    chosen = np.zeros(len(night), dtype=bool)
    for meter in np.flatnonzero(is_unlikely):
        days_of = slice(at[meter], at[meter] + lengths[meter])
        is_chosen = pairs[days_of, 0] & ~_are_usual(night[days_of], rules.usual_share)
        if is_chosen.sum() >= rules.repeated_days:
            chosen[days_of] = is_chosen
    return _stretches(
        days.filter(pl.Series(chosen)).select(
            "meter",
            first_day="day",
            last_day="day",
            suspicion=pl.lit("repeated_first_hour"),
            ratio=pl.lit(None, dtype=pl.Float64),
        ),
        days,
    )


def _are_usual(night: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    """True for days of a meter (days × half hours of the night) on which a value of the first hour is a usual one."""
    known = night[~np.isnan(night)]
    values, counts = np.unique(known, return_counts=True)
    usual = values[counts >= share * len(known)]
    return np.asarray(np.isin(night[:, :2], usual).any(axis=1))


def _follows(days: pl.DataFrame) -> NDArray[np.bool_]:
    """True where a row is of the day after that of the row above, of the same meter."""
    same = days["meter"].eq_missing(days["meter"].shift(1)).to_numpy()
    numbers = days["day"].to_physical().to_numpy()
    return np.asarray(same & (np.diff(numbers, prepend=numbers[:1]) == 1))


def _stretches(rows: pl.DataFrame | None, days: pl.DataFrame) -> pl.DataFrame:
    schema = pl.Schema(
        {
            "meter": days.schema["meter"],
            "first_day": pl.Date(),
            "last_day": pl.Date(),
            "suspicion": pl.String(),
            "ratio": pl.Float64(),
        }
    )
    return pl.DataFrame(schema=schema) if rows is None else rows.select(list(schema)).cast(schema)
