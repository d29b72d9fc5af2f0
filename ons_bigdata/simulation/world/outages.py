"""Outages of a source in the simulated world: hours in which nothing was collected, everywhere or in some areas."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class OutagePlan:
    """Number, length and reach of the outages."""

    outages: int = 12
    """As in the pilot of 2015."""
    mean_hours: float = 20.0
    share_of_authorities: float = 1.0
    """Share of the authorities from which nothing was collected; 1: everywhere."""

    def __post_init__(self) -> None:
        if self.outages < 0 or self.mean_hours <= 0 or not 0.0 < self.share_of_authorities <= 1.0:
            raise ValueError(
                f"outages {self.outages}, mean_hours {self.mean_hours}, share_of_authorities "
                f"{self.share_of_authorities}; expected a number from 0, a positive number, a share above 0 up to 1"
            )


def draw_outages(
    rng: Generator, authorities: pl.DataFrame, plan: OutagePlan, *, first_day: date, days: int
) -> pl.DataFrame:
    """Outages in order, none overlapping another: outage, started_at, ended_at (UTC), authority.

    Each lies in a stretch of its own of the range of days and lasts `mean_hours` on average, at most nine tenths of the
    stretch. With `share_of_authorities` 1 there is one row for each and `authority` is null. Below 1 the same
    authorities, drawn once, are affected by every outage, with a row for each.
    """
    stretch = days * 86_400 / max(plan.outages, 1)
    lengths = (3_600 * plan.mean_hours * rng.gamma(2.0, 0.5, plan.outages)).clip(3_600, 0.9 * stretch).round()
    offsets = rng.random(plan.outages) * (stretch - lengths)
    midnight = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC)
    starts = [midnight + timedelta(seconds=round(n * stretch + offset)) for n, offset in enumerate(offsets)]
    ends = [start + timedelta(seconds=float(length)) for start, length in zip(starts, lengths, strict=True)]
    frame = pl.DataFrame(
        {"outage": range(1, plan.outages + 1), "started_at": starts, "ended_at": ends},
        schema={"outage": pl.Int64, "started_at": pl.Datetime("us", "UTC"), "ended_at": pl.Datetime("us", "UTC")},
    )
    if plan.share_of_authorities == 1.0:
        return frame.with_columns(authority=pl.lit(None, dtype=pl.String))
    count = max(1, round(plan.share_of_authorities * authorities.height))
    affected = np.sort(rng.permutation(authorities.height)[:count])
    return frame.join(authorities.select(pl.col("authority").gather(affected)), how="cross")
