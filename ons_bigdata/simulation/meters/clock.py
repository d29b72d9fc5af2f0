"""Half hours of a range of local days: clock changes, daylight, weather and holidays, shared by the generators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

HALF_HOUR_S = 1_800
_LATITUDE_DEG = 53.3
_SUMMER_BREAK = ((7, 1), (8, 31))


@dataclass(frozen=True)
class HalfHours:
    """Half hours from local midnight of `first_day`, in UTC steps, so that a day has 46, 48 or 50.

    Raises ValueError for fewer than one day, and for a zone whose offset is no multiple of half an hour.
    """

    first_day: date
    days: int
    timezone: str

    def __post_init__(self) -> None:
        """Refuse ranges and zones that have no half hours."""
        if self.days < 1:
            raise ValueError(f"days is {self.days}; expected at least 1")
        if (np.diff(self._midnights_s) % HALF_HOUR_S).any() or self._midnights_s[0] % HALF_HOUR_S:
            raise ValueError(f"zone {self.timezone} has an offset that is no multiple of half an hour")

    @cached_property
    def _midnights_s(self) -> NDArray[np.int64]:
        """Seconds since 1970 of each local midnight, with the one after the last day."""
        zone = ZoneInfo(self.timezone)
        days = (self.first_day + timedelta(days=number) for number in range(self.days + 1))
        return np.array([int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) for day in days])

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Half hour with which each day begins; a further entry for the end."""
        return (self._midnights_s - self._midnights_s[0]) // HALF_HOUR_S

    @property
    def count(self) -> int:
        """Number of half hours."""
        return int(self.starts[-1])

    @cached_property
    def per_day(self) -> NDArray[np.int64]:
        """Half hours of each day: 46, 48 or 50."""
        return np.diff(self.starts)

    @cached_property
    def day(self) -> NDArray[np.int64]:
        """Day of each half hour, from 0."""
        return np.repeat(np.arange(self.days), self.per_day)

    @cached_property
    def position(self) -> NDArray[np.int64]:
        """Place of each half hour in its day, from 0 to 45, 47 or 49."""
        return np.arange(self.count) - self.starts[self.day]

    @cached_property
    def started_at(self) -> NDArray[np.datetime64]:
        """Start of each half hour in UTC."""
        seconds = self._midnights_s[0] + HALF_HOUR_S * np.arange(self.count)
        return seconds.astype("datetime64[s]").astype("datetime64[us]")

    @cached_property
    def slot(self) -> NDArray[np.int64]:
        """Half hour of the local clock, from 0 to 47: skipped in spring, repeated in autumn."""
        slots = self.position.copy()
        for day in np.flatnonzero(self.per_day != 48):
            zone, first = ZoneInfo(self.timezone), int(self._midnights_s[day])
            for number in range(int(self.per_day[day])):
                local = datetime.fromtimestamp(first + HALF_HOUR_S * number, UTC).astimezone(zone)
                slots[self.starts[day] + number] = 2 * local.hour + local.minute // 30
        return slots

    @cached_property
    def dates(self) -> NDArray[np.datetime64]:
        """Date of each day."""
        return np.datetime64(self.first_day) + np.arange(self.days)

    @cached_property
    def weekday(self) -> NDArray[np.int64]:
        """Weekday of each day: 0 is Monday."""
        return (self.first_day.weekday() + np.arange(self.days)) % 7

    @cached_property
    def day_of_year(self) -> NDArray[np.int64]:
        """Day of the year of each day, from 1."""
        return (self.dates - self.dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1

    def day_number(self, day: date) -> int:
        """Number of a date, also of one outside the range."""
        return (day - self.first_day).days

    def yearly(self, first: tuple[int, int], days: int) -> list[int]:
        """Day numbers (month and day, for so many days) of every year of the range, as far as they lie in it."""
        years = range(self.first_day.year - 1, self.first_day.year + self.days // 365 + 2)
        numbers = [self.day_number(date(year, *first)) + offset for year in years for offset in range(days)]
        return [number for number in numbers if 0 <= number < self.days]

    @cached_property
    def easter(self) -> list[int]:
        """Day number of Easter Sunday of every year that the range touches."""
        years = range(self.first_day.year - 1, self.first_day.year + self.days // 365 + 2)
        return [self.day_number(easter_sunday(year)) for year in years]

    @cached_property
    def is_public_holiday(self) -> NDArray[np.bool_]:
        """Days on which most people do not work, besides weekends."""
        mondays = [easter + offset for easter in self.easter for offset in (-2, 1)]
        fixed = self.yearly((12, 25), 2) + self.yearly((1, 1), 1)
        first_mondays = [
            number for month in (5, 8) for number in self.yearly((month, 1), 7) if self.weekday[number] == 0
        ]
        return self._marked([*mondays, *fixed, *first_mondays])

    @cached_property
    def is_school_holiday(self) -> NDArray[np.bool_]:
        """Days without school on weekdays: summer, Christmas, Easter and half terms."""
        easter = [day + offset for day in self.easter for offset in range(-9, 8)]
        summer = self.yearly(_SUMMER_BREAK[0], 62)
        return self._marked([*easter, *summer, *self.yearly((12, 21), 16), *self.yearly((10, 26), 7)])

    def _marked(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        marked = np.zeros(self.days, dtype=bool)
        marked[[number for number in numbers if 0 <= number < self.days]] = True
        return marked

    @cached_property
    def sun_elevation(self) -> NDArray[np.float32]:
        """Sine of the elevation of the sun in the middle of each half hour, at 53.3° north and 0° east (UTC is solar).

        The zone's winter offset stands for its longitude.
        """
        winter_s = min(self._local_offset_s(0), self._local_offset_s(self.days // 2), self._local_offset_s(-1))
        seconds = (self._midnights_s[0] + HALF_HOUR_S * np.arange(self.count) + 900 + winter_s) % 86_400
        declination = -np.radians(23.44) * np.cos(2 * np.pi * (self.day_of_year + 10) / 365.25)[self.day]
        latitude, angle = np.radians(_LATITUDE_DEG), 2 * np.pi * (seconds / 86_400 - 0.5)
        sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
        return sine.astype(np.float32)

    def _local_offset_s(self, day: int) -> int:
        moment = datetime.fromtimestamp(int(self._midnights_s[day]), UTC).astimezone(ZoneInfo(self.timezone))
        offset = moment.utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    @cached_property
    def darkness(self) -> NDArray[np.float32]:
        """Share of artificial light that is needed in each half hour, between 0 and 1."""
        return (1.0 / (1.0 + np.exp((self.sun_elevation - 0.08) * 25.0))).astype(np.float32)


def easter_sunday(year: int) -> date:
    """Easter Sunday of a year (anonymous Gregorian algorithm: Meeus, Astronomical Algorithms, chapter 8)."""
    golden, century = year % 19, year // 100
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    epact -= (epact // 28) * (1 - (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    days = epact - weekday
    month = 3 + (days + 40) // 44
    return date(year, month, days + 28 - 31 * (month // 4))


def draw_temperatures(rng: Generator, clock: HalfHours) -> NDArray[np.float32]:
    """Outdoor temperature of each day in °C: a yearly wave and persistent weather."""
    wave = 9.5 - 5.5 * np.cos(2 * np.pi * (clock.day_of_year - 20) / 365.25)
    shocks = rng.normal(0.0, 1.6, clock.days)
    weather = np.zeros(clock.days)
    for day in range(1, clock.days):
        weather[day] = 0.78 * weather[day - 1] + shocks[day]
    return (wave + weather).astype(np.float32)
