"""Events of made-up devices, day by day, for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ons_bigdata.phones.schemas.specification import Specification
from tests.phones.specifications import DOCUMENT

FIRST = date(2021, 3, 1)
"""A Monday; summer time begins on 28 March."""
DAYS = 28
SPEC = Specification.model_validate(
    {**DOCUMENT, "period": {**DOCUMENT["period"], "last_day": "2021-03-28", "excluded_days": []}}
)
LONDON = ZoneInfo("Europe/London")

SCHEMA = {"device": pl.Int64, "at_utc": pl.Datetime("us", "UTC"), "cell": pl.String}


def at(day: int, hour: float) -> datetime:
    """Return the instant of a local hour of a day of the period."""
    local = datetime.combine(FIRST + timedelta(days=day), datetime.min.time()) + timedelta(hours=hour)
    return local.replace(tzinfo=LONDON).astimezone(UTC)


def frame(rows: list[tuple[int, datetime, str]]) -> pl.DataFrame:
    """Return events as a frame."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def is_weekend(day: int) -> bool:
    """Return whether a day of the period is a Saturday or Sunday."""
    return day % 7 >= 5


def regular_worker(device: int, home: str = "h", work: str = "w") -> list[tuple[int, datetime, str]]:
    """Return events of a device at home in the morning and evening and at work from 9 to 17 h on weekdays."""
    rows = []
    for day in range(DAYS):
        rows += [(device, at(day, hour), home) for hour in (0.5, 6.5, 19, 21.5, 23)]
        place = home if is_weekend(day) else work
        rows += [(device, at(day, hour), place) for hour in (9.5, 11, 13, 15, 16.5)]
    return rows


def night_worker(device: int, home: str = "h", work: str = "w") -> list[tuple[int, datetime, str]]:
    """Return events of a device that works from 22 to 6 h in the nights that begin on Monday to Thursday."""
    rows = []
    for day in range(DAYS):
        rows += [(device, at(day, hour), home) for hour in (8, 10, 12, 14, 16, 18.5, 20.5)]
        night = work if day % 7 < 4 else home
        rows += [(device, at(day, 22.5), night), (device, at(day, 24 + 1), night), (device, at(day, 24 + 4), night)]
    return rows


def rotating_worker(device: int, home: str = "h", work: str = "w") -> list[tuple[int, datetime, str]]:
    """Return events of a device that works from Friday to Monday: by night in even weeks, early in odd ones."""
    rows = []
    for day in range(DAYS):
        works, by_night = day % 7 in {0, 4, 5, 6}, day // 7 % 2 == 0
        early = work if works and not by_night else home
        rows += [(device, at(day, hour), early) for hour in (8, 10, 12, 13.5)]
        rows += [(device, at(day, hour), home) for hour in (16, 18.5, 20.5)]
        night = work if works and by_night else home
        rows += [(device, at(day, 22.5), night), (device, at(day, 24 + 1), night), (device, at(day, 24 + 4), night)]
    return rows


def at_home(device: int, home: str = "h") -> list[tuple[int, datetime, str]]:
    """Return events of a device that stays at home."""
    return [(device, at(day, hour), home) for day in range(DAYS) for hour in (1, 6, 9, 11, 13, 15, 17, 20, 22)]
