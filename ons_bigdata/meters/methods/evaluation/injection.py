"""Absence injected into the days of real homes: how detectors of absence are judged without a truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics, day_total

NATURAL_LOW_SHARE = 0.6
"""Days below this share of their 57-day median may be absences of the home itself, which nobody knows."""

Floats = np.ndarray
Integers = np.ndarray


@dataclass(frozen=True)
class InjectionProtocol:
    """How absences are injected.

    `prevalence`: share of the days of each home that become absent. `shortest_days`, `longest_days`: lengths of spells,
    drawn uniformly. `spike_day_share`: share of absent days with 1 to `most_spikes` half hours of an appliance, drawn
    from the upper tenth of the home's half hours of the day. `nights`: days before and after from whose nights (02:00
    to 05:00) the half hours are drawn. `block`: half hours drawn together, in their order (1 to 6).
    """

    prevalence: float = 0.15
    shortest_days: int = 1
    longest_days: int = 14
    spike_day_share: float = 0.15
    most_spikes: int = 2
    nights: int = 14
    block: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError on an impossible protocol."""
        if not 0 < self.prevalence <= 0.5:
            message = f"prevalence is {self.prevalence}, expected more than 0 and at most 0.5"
            raise ValueError(message)
        if not 1 <= self.shortest_days <= self.longest_days:
            message = f"lengths are {self.shortest_days} to {self.longest_days} days, expected 1 or more, in order"
            raise ValueError(message)
        if not 0 <= self.spike_day_share <= 1:
            message = f"spike_day_share is {self.spike_day_share}, expected 0 to 1"
            raise ValueError(message)
        if not 1 <= self.block <= 6:
            message = f"block is {self.block}, expected 1 to 6 half hours"
            raise ValueError(message)


def inject_absence(
    meter_days: pl.DataFrame, seed: int, protocol: InjectionProtocol | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Meter-days with absences injected, and their truth.

    `meter_days`: frame `MeterDay`. Returns the frame with the half hours of the drawn days replaced, and one row per
    meter and day: meter, day, absent (injected), spell (number of the injected spell, null without),
    is_scored (false on days with too few readings, and days not injected whose total is below 0.6 of their 57-day
    median).
    Spells do not touch each other. The result depends on the meter's days, the seed and the place of the meter in the
    order of meters alone.
    """
    chosen = protocol or InjectionProtocol()
    frame = meter_days.sort("meter", "day")
    statistics = day_statistics(day_matrix(frame))
    matrix = statistics.matrix
    total = day_total(statistics)
    with np.errstate(invalid="ignore"):
        low = total < NATURAL_LOW_SHARE * statistics.rolling_median(total, 28)
    known = ~np.isnan(total)
    kwh = matrix.kwh.copy()
    spell = np.full(len(total), -1, dtype=np.int64)
    for number, (begin, end) in enumerate(zip(matrix.first_row[:-1], matrix.first_row[1:], strict=True)):
        random = np.random.default_rng([seed, number])
        spell[begin:end] = _draw_spells(known[begin:end] & ~low[begin:end], chosen, random)
        _replace_days(kwh[begin:end], matrix.kwh[begin:end], np.flatnonzero(spell[begin:end] >= 0), chosen, random)
    present = matrix.input_row >= 0
    truth = matrix.keys.with_columns(
        absent=pl.Series(spell[present] >= 0),
        spell=pl.Series([None if value < 0 else int(value) for value in spell[present]], dtype=pl.Int32),
        is_scored=pl.Series((known & ((spell >= 0) | ~low))[present]),
    )
    return with_days(frame, kwh[present], truth["absent"].to_numpy()), truth


def _draw_spells(is_free: np.ndarray, protocol: InjectionProtocol, random: np.random.Generator) -> Integers:
    """Number of the spell of each day of a home, -1 without."""
    spell = np.full(len(is_free), -1, dtype=np.int64)
    wanted = protocol.prevalence * is_free.sum()
    drawn = number = 0
    for _ in range(50 * len(is_free)):
        if drawn >= wanted:
            break
        length = int(random.integers(protocol.shortest_days, protocol.longest_days + 1))
        length = max(min(length, round(wanted - drawn)), protocol.shortest_days)
        begin = int(random.integers(0, max(len(is_free) - length, 1)))
        around = slice(max(begin - 1, 0), begin + length + 1)
        if not is_free[begin : begin + length].all() or (spell[around] >= 0).any():
            continue
        spell[begin : begin + length] = number
        drawn, number = drawn + length, number + 1
    return spell


def _replace_days(
    kwh: Floats, original: Floats, days: Integers, protocol: InjectionProtocol, random: np.random.Generator
) -> None:
    """Replace the half hours of days of a home by those of nights around, some with spikes."""
    nights = original[:, 4:10]
    active = original[:, 12:47]
    high = np.sort(active[~np.isnan(active)])
    high = high[int(0.9 * len(high)) :]
    for day in days:
        around = nights[max(day - protocol.nights, 0) : day + protocol.nights + 1]
        around = around[~np.isnan(around).any(axis=1)]
        if not len(around):
            around = nights[~np.isnan(nights).any(axis=1)]
        blocks = -(-48 // protocol.block)
        rows = random.integers(0, len(around), blocks)
        begins = random.integers(0, 6 - protocol.block + 1, blocks)
        drawn = around[rows[:, None], begins[:, None] + np.arange(protocol.block)].ravel()[:48]
        if random.random() < protocol.spike_day_share:
            count = int(random.integers(1, protocol.most_spikes + 1))
            slots = random.choice(np.arange(12, 47), count, replace=False)
            drawn[slots] = random.choice(high, count)
        kwh[day] = np.where(np.isnan(kwh[day]), np.nan, drawn)


def with_days(frame: pl.DataFrame, kwh: Floats, is_replaced: np.ndarray) -> pl.DataFrame:
    """Frame with the replaced days as 48 half hours, others as they were, and totals anew.

    `kwh`: rows of `frame` × 48. `is_replaced`: rows of which the half hours are those of `kwh`, NaN = missing.
    """
    rows = np.flatnonzero(is_replaced)
    values = pl.Series("value", kwh[rows].ravel(), dtype=pl.Float32).fill_nan(None)
    replaced = pl.DataFrame(
        {"row": np.repeat(rows, 48).astype(np.uint32), "value": values}, schema={"row": pl.UInt32, "value": pl.Float32}
    )
    lists = replaced.group_by("row", maintain_order=True).agg(new="value")
    totals = pl.col("kwh_halfhours").list
    return (
        frame.with_row_index("row")
        .join(lists, on="row", how="left", maintain_order="left")
        .with_columns(kwh_halfhours=pl.coalesce("new", "kwh_halfhours"))
        .with_columns(
            readings=totals.drop_nulls().list.len().cast(pl.Int16),
            kwh=pl.when(totals.drop_nulls().list.len() > 0).then(totals.sum().cast(pl.Float64)),
        )
        .select(frame.columns)
    )
