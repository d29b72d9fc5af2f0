"""Clocks of files: the half hours of a local day, and times without a zone as UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ons_bigdata.meters.sources.formats.rows import INSTANT

HALF_HOUR = timedelta(minutes=30)


@cache
def local_day(day: date, zone: str) -> tuple[datetime, int]:
    """First instant of a local day in UTC, and its number of half hours: 46, 48 or 50."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return start, round((end - start) / HALF_HOUR)


class Clock:
    """Turns the times of a file, which have no zone, into UTC.

    A local time that comes twice, when clocks go back, is the earlier one where it comes first for a meter and the
    later one where it comes again; the other way round in a file whose times descend.
    """

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._is_descending: bool | None = None
        self._seen: dict[tuple[str, datetime], int] = {}

    def to_utc(self, meters: pl.Series, times: pl.Series) -> pl.Series:
        """Instants of the times (Datetime, us) of a part of a file; null for times that the clock leaves out."""
        if self._zone == "UTC":
            return times.dt.replace_time_zone("UTC")
        earlier = times.dt.replace_time_zone(self._zone, ambiguous="earliest", non_existent="null").cast(INSTANT)
        later = times.dt.replace_time_zone(self._zone, ambiguous="latest", non_existent="null").cast(INSTANT)
        if self._is_descending is None and len(times) > 1:
            steps = times.diff().drop_nulls().dt.total_microseconds().to_numpy()
            self._is_descending = bool((steps < 0).sum() > (steps > 0).sum())
        twice = (earlier != later).fill_null(value=False)
        if not twice.any():
            return earlier
        places = twice.arg_true()
        is_again = pl.Series([self._comes_again(*pair) for pair in zip(meters[places], times[places], strict=True)])
        is_later = np.zeros(len(times), dtype=bool)
        is_later[places.to_numpy()] = is_again.to_numpy() != bool(self._is_descending)
        return pl.select(pl.when(pl.Series(is_later)).then(later).otherwise(earlier)).to_series()

    def _comes_again(self, meter: str, time: datetime) -> bool:
        key = (meter, time)
        self._seen[key] = self._seen.get(key, 0) + 1
        return self._seen[key] > 1
