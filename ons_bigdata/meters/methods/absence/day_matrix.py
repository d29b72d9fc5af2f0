"""Meter-days as arrays: 48 clock half hours by day, on an unbroken calendar of each meter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_no_keys

SLOTS = 48
CHANGE_SLOT = 2
"""Half hour of the clock change, 01:00 local time, as in Ireland and the United Kingdom: in spring two are missing from
it on, in autumn two come twice."""
LEAST_READINGS = 44
"""Readings, of 48, from which a day is judged."""
LONGEST_CALENDAR_DAYS = 40_000
"""Days between first and last day of a meter beyond which a day is taken for a fault of the input."""
EPOCH = date(1970, 1, 1)

Floats = np.ndarray
Integers = np.ndarray


@dataclass(frozen=True)
class DayMatrix:
    """Meter-days of many meters, one after another, each on all days from its first to its last.

    `kwh`: float32, days × 48 half hours of local clock time, NaN = missing. `first_row`: row of the first day of each
    meter, and at the end the number of rows. `meter`: number of the meter, by row. `day`: days since 1970-01-01.
    `input_row`: row of the frame `keys`, -1 where the input has no such day. `keys`: meter and day, sorted.
    `is_short`: days of 46 half hours.
    """

    kwh: Floats
    first_row: Integers
    meter: Integers
    day: Integers
    input_row: Integers
    keys: pl.DataFrame
    is_short: np.ndarray

    def column(self, name: str, values: np.ndarray, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
        """Values of the days of the input, in the order of `keys`."""
        return pl.Series(name, values[self.input_row >= 0], dtype=dtype)

    def shifted(self, values: np.ndarray, days: int) -> np.ndarray:
        """Value of the same meter so many days later (earlier if negative); NaN beyond its days."""
        result = np.full(values.shape, np.nan, dtype=np.float64)
        if days == 0:
            return values.astype(np.float64)
        distance = abs(days)
        if distance >= len(values):
            return result
        same = self.meter[distance:] == self.meter[:-distance]
        if days > 0:
            result[:-distance][same] = values[distance:][same]
        else:
            result[distance:][same] = values[:-distance][same]
        return result


def day_matrix(meter_days: pl.DataFrame | pl.LazyFrame) -> DayMatrix:
    """Arrays of a frame of meter-days: meter, day, kwh_halfhours (46, 48 or 50 half hours, null = missing).

    A day of 46 half hours has no reading for the two that the clock skips; of one with 50 the two that come twice are
    averaged. Raises ValueError on a missing column, a day that comes twice, or another number of half hours.
    """
    frame = eager_frame(meter_days, "meter_days")
    refuse_missing_columns(frame, ["meter", "day", "kwh_halfhours"], "meter_days")
    refuse_no_keys(frame, ["meter"], "meter_days")
    if frame.schema["day"] != pl.Date:
        message = f"meter_days: column day is {frame.schema['day']}, expected Date"
        raise ValueError(message)
    frame = frame.select("meter", "day", "kwh_halfhours").sort("meter", "day")
    _refuse_nulls_and_repeats(frame)
    is_short = (frame["kwh_halfhours"].list.len() == SLOTS - 2).to_numpy()
    return _on_calendar(frame.select("meter", "day"), _clock_slots(frame), is_short)


def _refuse_nulls_and_repeats(frame: pl.DataFrame) -> None:
    for column in ("meter", "day", "kwh_halfhours"):
        if frame[column].null_count():
            message = f"meter_days: column {column} has {frame[column].null_count()} nulls, expected none"
            raise ValueError(message)
    repeated = frame.filter((pl.col("meter") == pl.col("meter").shift()) & (pl.col("day") == pl.col("day").shift()))
    if repeated.height:
        meter, day = repeated.row(0)[:2]
        message = f"meter_days: meter {meter} has more than one row for {day}, expected one"
        raise ValueError(message)


def _clock_slots(frame: pl.DataFrame) -> Floats:
    """Half hours by clock time, days × 48."""
    lengths = frame["kwh_halfhours"].list.len().to_numpy()
    wrong = ~np.isin(lengths, (46, 48, 50))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        meter, day = frame["meter"][row], frame["day"][row]
        message = f"meter_days: meter {meter} has {lengths[row]} half hours on {day}, expected 46, 48 or 50"
        raise ValueError(message)
    halfhours = frame["kwh_halfhours"].list.explode(keep_nulls=True, empty_as_null=True)
    flat = halfhours.cast(pl.Float32).fill_null(float("nan")).to_numpy()
    if (lengths == SLOTS).all():
        return flat.reshape(-1, SLOTS)
    begins = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)[:-1]])
    kwh = np.full((frame.height, SLOTS), np.nan, dtype=np.float32)
    usual = np.flatnonzero(lengths == SLOTS)
    kwh[usual] = flat[begins[usual, None] + np.arange(SLOTS)]
    short = np.flatnonzero(lengths == SLOTS - 2)
    kwh[short, :CHANGE_SLOT] = flat[begins[short, None] + np.arange(CHANGE_SLOT)]
    kwh[short, CHANGE_SLOT + 2 :] = flat[begins[short, None] + np.arange(CHANGE_SLOT, SLOTS - 2)]
    long = np.flatnonzero(lengths == SLOTS + 2)
    kwh[long, :CHANGE_SLOT] = flat[begins[long, None] + np.arange(CHANGE_SLOT)]
    kwh[long, CHANGE_SLOT + 2 :] = flat[begins[long, None] + np.arange(CHANGE_SLOT + 4, SLOTS + 2)]
    pairs = np.stack([flat[begins[long, None] + CHANGE_SLOT + np.arange(2) + late] for late in (0, 2)])
    known = ~np.isnan(pairs)
    counts = known.sum(axis=0)
    sums = np.where(known, pairs, 0).sum(axis=0)
    kwh[long, CHANGE_SLOT : CHANGE_SLOT + 2] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return kwh


def _on_calendar(keys: pl.DataFrame, kwh: Floats, is_short: np.ndarray) -> DayMatrix:
    day = keys["day"].to_physical().to_numpy().astype(np.int64)
    code = keys["meter"].rle_id().to_numpy().astype(np.int64) if keys.height else np.zeros(0, dtype=np.int64)
    begins = np.flatnonzero(np.diff(code, prepend=-1))
    ends = np.append(begins[1:], keys.height)[: len(begins)] - 1
    spans = day[ends] - day[begins] + 1
    if len(spans) and spans.max() > LONGEST_CALENDAR_DAYS:
        row = int(begins[int(spans.argmax())])
        message = f"meter_days: meter {keys['meter'][row]} spans {spans.max()} days, expected at most 40,000"
        raise ValueError(message)
    first_row = np.concatenate([[0], np.cumsum(spans)]).astype(np.int64)
    target = first_row[code] + day - day[begins][code] if keys.height else np.zeros(0, dtype=np.int64)
    rows = int(first_row[-1])
    meter = np.repeat(np.arange(len(spans), dtype=np.int64), spans)
    if rows == keys.height:
        return DayMatrix(kwh, first_row, meter, day, np.arange(rows), keys, is_short)
    whole = np.full((rows, SLOTS), np.nan, dtype=np.float32)
    whole[target] = kwh
    short = np.zeros(rows, dtype=bool)
    short[target] = is_short
    input_row = np.full(rows, -1, dtype=np.int64)
    input_row[target] = np.arange(keys.height)
    days = np.arange(rows, dtype=np.int64) - first_row[meter] + day[begins][meter]
    return DayMatrix(whole, first_row, meter, days, input_row, keys, short)
