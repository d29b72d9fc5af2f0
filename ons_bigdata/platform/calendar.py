"""Calendars: the periods (days, months, quarters) into which a source or table is divided, and their keys.

Pure: the facts of a pilot (first day, time zone) are in its `calendar` module, Dagster's partitions in
`platform.dagster.partitions`.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Cadence(StrEnum):
    """Length of the periods of a calendar."""

    day = "day"
    month = "month"
    quarter = "quarter"

    @property
    def adverb(self) -> str:
        """Name of the cadence in tags and names of definitions: daily, monthly, quarterly."""
        return "daily" if self is Cadence.day else f"{self.value}ly"


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_MONTHS = {Cadence.month: 1, Cadence.quarter: 3}


@dataclass(frozen=True, order=True)
class Calendar:
    """Consecutive periods of one cadence from the period of `first_day` to the present one.

    A period's key is the ISO date of its first day.
    """

    cadence: Cadence
    first_day: date
    zone: str
    """IANA name of the time zone in which days begin and end."""

    def today(self) -> date:
        """Present day in the calendar's time zone."""
        return datetime.now(ZoneInfo(self.zone)).date()

    def period_start(self, day: date) -> date:
        """First day of the period that contains `day`."""
        if self.cadence is Cadence.day:
            return day
        months = _MONTHS[self.cadence]
        return date(day.year, day.month - (day.month - 1) % months, 1)

    def period_end(self, day: date) -> date:
        """Last day of the period that contains `day`."""
        if self.cadence is Cadence.day:
            return day
        start = self.period_start(day)
        last_month = start.month + _MONTHS[self.cadence] - 1
        return date(start.year, last_month, calendar.monthrange(start.year, last_month)[1])

    def key(self, day: date) -> str:
        """Key of the period that contains `day`."""
        return self.period_start(day).isoformat()

    def keys(self, first: date, last: date) -> list[str]:
        """Keys of all periods of which at least one day lies in `first` … `last`, in order.

        A partly covered month or quarter is included: its figures change with any of its days.
        Raises ValueError where `first` is after `last`.
        """
        if first > last:
            raise ValueError(f"first day {first} is after last day {last}")
        keys = []
        start = self.period_start(first)
        while start <= last:
            keys.append(start.isoformat())
            start = self.period_end(start) + timedelta(days=1)
        return keys

    def days(self, first_key: str, last_key: str) -> tuple[date, date]:
        """First and last day of the periods from `first_key` to `last_key`."""
        return date.fromisoformat(first_key), self.period_end(date.fromisoformat(last_key))

    def stretches(self, keys: Iterable[str]) -> list[tuple[str, str]]:
        """First and last day (ISO) of each stretch of consecutive periods among those with the given keys."""
        stretches: list[tuple[date, date]] = []
        for key in sorted(set(keys)):
            first, last = self.days(key, key)
            if stretches and first - stretches[-1][1] == timedelta(days=1):
                stretches[-1] = (stretches[-1][0], last)
            else:
                stretches.append((first, last))
        return [(first.isoformat(), last.isoformat()) for first, last in stretches]

    def require_day(self, text: str, *, what: str) -> date:
        """Day written in `text` (YYYY-MM-DD).

        Raises InputError, which names `what`, where it is no date or lies outside the calendar.
        """
        day = parse_day(text, what=what)
        first, last = self.period_start(self.first_day), self.today()
        if not first <= day <= last:
            raise InputError(f"{what} {day} is outside the calendar, which runs from {first} to {last}")
        return day


def parse_day(text: str, *, what: str) -> date:
    """Day written in `text` (YYYY-MM-DD). Raises InputError, which names `what`, where it is no such date."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputError(f"{what}: found {text!r}, expected a day YYYY-MM-DD")


def require_order(first: date | None, last: date | None) -> None:
    """Raise InputError where a range, given by --from and --to, ends before it begins. None is an open end."""
    if first is not None and last is not None and first > last:
        raise InputError(f"--from {first} is after --to {last}; expected the first day first")
