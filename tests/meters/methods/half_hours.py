"""Readings made for tests: half hours of meters, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_bigdata.settings import Settings

START = datetime(2010, 6, 1, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def readings(
    kwh: Sequence[float | None] | np.ndarray,
    *,
    meter: str | int = "a",
    start: datetime = START,
    code: Sequence[str | None] | None = None,
    flag: Sequence[str | None] | None = None,
) -> pl.DataFrame:
    """A reading for each half hour from `start` on; NaN and None are rows without reading."""
    frame = pl.DataFrame(
        {
            "meter": [meter] * len(kwh),
            "started_at": [start + HALF_HOUR * number for number in range(len(kwh))],
            "kwh": pl.Series(list(kwh), dtype=pl.Float64).fill_nan(None),
        }
    ).with_columns(pl.col("started_at").cast(pl.Datetime("us", "UTC")))
    for name, values in (("code", code), ("flag", flag)):
        if values is not None:
            frame = frame.with_columns(pl.Series(name, list(values), dtype=pl.String))
    return frame


def varied(count: int, *, seed: int = 1, mean: float = 0.2) -> np.ndarray:
    """Readings that vary about a mean, no two neighbours equal, with a peak in the evening."""
    rng = np.random.default_rng(seed)
    slots = np.arange(count) % 48
    return mean * (1 + 0.8 * np.exp(-(((slots - 37) / 5) ** 2))) * rng.uniform(0.6, 1.4, count)


def shared_meters() -> Path:
    """Folder of real homes; the test is skipped where it is missing."""
    folder = Settings().shared / "data" / "meters"
    if not folder.is_dir():
        pytest.skip(f"no shared meter data at {folder} (set ONS_BIGDATA_SHARED)")
    return folder


def london_homes() -> pl.DataFrame:
    """Three homes of London, with the times of their files taken as if in UTC."""
    folder = shared_meters()
    first = pl.read_csv(folder / "lcl_MAC000060_halfhourly.csv").select(meter=pl.lit("MAC000060"), at="ts", kwh="kwh")
    others = [
        pl.read_csv(folder / f"lcl_{name}_halfhourly.csv.gz").select(meter=pl.lit(name), at="datetime", kwh="kwhh")
        for name in ("MAC000584", "MAC000985")
    ]
    return _as_utc([first, *others])


def australian_homes() -> pl.DataFrame:
    """Five homes of New South Wales, with the times of their file taken as if in UTC."""
    frame = pl.read_csv(shared_meters() / "sgsc_5_households_2013_halfhourly.csv.gz")
    return _as_utc([frame.select(meter=pl.col("customer_id").cast(pl.String), at="ts", kwh="kwh")])


def _as_utc(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(
        frame.select(
            "meter",
            started_at=pl.col("at").str.to_datetime(time_unit="us").dt.replace_time_zone("UTC"),
            kwh=pl.col("kwh").cast(pl.Float64, strict=False),
        )
        for frame in frames
    )
