"""Clocks of files: the half hours of a local day, and local times as UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

HALF_HOUR = timedelta(minutes=30)


@cache
def local_day(day: date, zone: str) -> tuple[datetime, int]:
    """First instant of a local day in UTC, and its number of half hours: 46, 48 or 50."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return start, round((end - start) / HALF_HOUR)
