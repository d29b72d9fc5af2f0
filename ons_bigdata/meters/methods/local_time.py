"""Local days and half hours of a zone: where each half hour in UTC lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.grid import HALF_HOUR_US

if TYPE_CHECKING:
    from ons_bigdata.meters.methods.grid import Ints

_MARGIN = 50
"""Half hours about a range that surely hold the rest of its first and last local day."""


@dataclass(frozen=True)
class LocalHalfHours:
    """The local days that a range of half hours touches, whole."""

    first: int
    """First half hour, counted from 1970 in UTC: local midnight."""
    offsets: Ints
    """Local time less UTC of each half hour, in half hours."""
    day_numbers: Ints
    """Local day of each half hour: its place in `days`."""
    days: pl.Series
    """Local days."""
    day_starts: Ints
    """First half hour of each day counted from `first`, and their number at the end."""


def local_half_hours(first: int, after: int, timezone: str) -> LocalHalfHours:
    """Local days of the half hours from `first` up to `after` (not with it), counted from 1970 in UTC.

    Raises ValueError for an unknown zone, and one that is not a multiple of half an hour from UTC.
    """
    numbers = np.arange(first - _MARGIN, after + _MARGIN)
    at = pl.Series(numbers * HALF_HOUR_US).cast(pl.Datetime("us", "UTC"))
    try:
        local = at.dt.convert_time_zone(timezone).dt.replace_time_zone(None)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"timezone is {timezone!r}; expected a zone such as Europe/London") from error
    shifts = local.to_physical().to_numpy() - numbers * HALF_HOUR_US
    if (shifts % HALF_HOUR_US).any():
        raise ValueError(f"timezone is {timezone!r}; expected a zone that is half hours from UTC")
    dates = local.dt.date()
    epoch_days = dates.to_physical().to_numpy()
    begins = np.flatnonzero(np.diff(epoch_days)) + 1
    begin = int(begins[begins <= _MARGIN].max())
    end = int(begins[begins >= _MARGIN + after - first].min())
    within = begins[(begins >= begin) & (begins < end)]
    day_starts = np.append(within, end) - begin
    return LocalHalfHours(
        first=int(numbers[begin]),
        offsets=shifts[begin:end] // HALF_HOUR_US,
        day_numbers=np.repeat(np.arange(len(within)), np.diff(day_starts)),
        days=dates.gather(within),
        day_starts=day_starts,
    )
