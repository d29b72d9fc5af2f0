"""Meter-days made by hand: homes with a base load, people who use something, and days without them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

FIRST_DAY = date(2010, 6, 7)


def frame_of(kwh: np.ndarray, meter: object = "1", first_day: date = FIRST_DAY) -> pl.DataFrame:
    """Meter-days of an array days × 48; NaN is null."""
    rows = [[None if np.isnan(value) else float(value) for value in day] for day in kwh]
    frame = pl.DataFrame(
        {
            "meter": [meter] * len(kwh),
            "day": [first_day + timedelta(days=number) for number in range(len(kwh))],
            "kwh_halfhours": rows,
        },
        schema_overrides={"kwh_halfhours": pl.List(pl.Float32)},
    )
    known = pl.col("kwh_halfhours").list.drop_nulls()
    return frame.with_columns(
        kwh=pl.when(known.list.len() > 0).then(known.list.sum().cast(pl.Float64)),
        readings=known.list.len().cast(pl.Int16),
    )


def lived_in(days: int, seed: int, base: float = 0.06) -> np.ndarray:
    """Half hours of a home: a base with a cycle, breakfast, and evenings of several hours."""
    random = np.random.default_rng(seed)
    kwh = base * (1 + 0.15 * np.sin(np.arange(48 * days) * 1.9)).reshape(days, 48)
    kwh = kwh + random.normal(0, base * 0.05, (days, 48))
    for day in range(days):
        for begin, end, share in ((13, 18, 0.5), (24, 27, 0.3), (34, 45, 0.8)):
            used = random.random(end - begin) < share
            kwh[day, begin:end] += used * random.gamma(2.0, 0.18, end - begin)
    return np.round(np.maximum(kwh, 0), 3)


def empty(days: int, seed: int, base: float = 0.06) -> np.ndarray:
    """Half hours of the same home without people."""
    random = np.random.default_rng(seed)
    kwh = base * (1 + 0.15 * np.sin(np.arange(48 * days) * 1.9)).reshape(days, 48)
    return np.round(kwh + random.normal(0, base * 0.05, (days, 48)), 3)


def with_absence(days: int, first: int, length: int, seed: int, base: float = 0.06) -> np.ndarray:
    """A home that people leave for some days."""
    kwh = lived_in(days, seed, base)
    kwh[first : first + length] = empty(length, seed + 1, base)
    return kwh
