"""The calendar of periods: which periods lie between those of the quotes, so that a gap does not shift a window.

Periods are any values that sort; what they are is read from the values. What is computed over a calendar is elsewhere.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMS = (("%Y%m", ""), ("%Y-%m", ""), ("%Y%m%d", ""), ("%Y-%m-%d", ""), ("%G%V", "%u"), ("%G-W%V", "%u"))
"""How months, days and ISO weeks are written in text and whole numbers, and what a date lacks in them. The first that
fits all periods counts: 201801 to 201812 are months."""

STEPS_MONTHS = (12, 6, 3, 1)
STEPS_DAYS = (28, 14, 7, 1)
"""Usual steps, longest first: years, half-years, quarters, months; four weeks, fortnights, weeks, days."""

_YEARS = range(1800, 2200)
"""Numbers of other years are no dates: 100001 is a number."""


class _Reading(NamedTuple):
    """Periods read as days, and how a day is written as a period."""

    days: list[date]
    write: Callable[[date], Any]


def period_calendar(observed: list[Any], given: Sequence[Any] | None = None, *, windowed: bool) -> list[Any]:
    """List all periods in order, those without quotes too.

    `observed`: the distinct periods of the quotes, in order. `given`: the calendar, if the caller knows it; it wins.
    `windowed`: whether periods are counted. If not, the periods that occur are all there is.

    With a window the periods between those observed are added, where what is written tells which they are:

    * dates all first or all last days of a month, or one day (1 to 28) of months: by the longest of 12, 6, 3 and 1
      months of which all steps are multiples;
    * other dates: by the longest of 28, 14, 7 and 1 days likewise;
    * datetimes of one time of day: as dates; text and whole numbers that all read as YYYYMM, YYYY-MM, YYYYMMDD,
      YYYY-MM-DD, or ISO weeks YYYYWW and YYYY-Www: as those months, days and weeks (years 1800 to 2199);
    * other whole numbers: by 1.

    By weeks, days and numbers only where that at most doubles the count of periods; else, and of anything else, the
    periods that occur are the calendar. So are the second Tuesdays of months, and the years 2000, 2005, 2010.
    Raises ValueError on a given calendar that does not ascend or lacks a period of the quotes; names the period.
    """
    if given is not None:
        calendar = list(given)
        if any(b <= a for a, b in pairwise(calendar)):
            message = "calendar: periods do not ascend; expected each once, in order"
            raise ValueError(message)
        known = set(calendar)
        lost = [one for one in observed if one not in known]
        if lost:
            message = f"calendar: period {lost[0]} of the quotes is missing; found {len(calendar)} periods"
            raise ValueError(message)
        return calendar
    if not windowed or len(observed) < 2:
        return list(observed)
    if (reading := _read(observed)) is not None:
        return [reading.write(day) for day in _filled(reading.days)]
    if all(_is_whole(one) for one in observed) and observed[-1] - observed[0] + 1 <= 2 * len(observed):
        return [type(observed[0])(number) for number in range(int(observed[0]), int(observed[-1]) + 1)]
    return list(observed)


def months_of(periods: Sequence[Any]) -> list[int] | None:
    """Give the month (1 to 12) of each period. None where periods do not read as days, weeks or months."""
    reading = _read(periods)
    return None if reading is None else [day.month for day in reading.days]


def _is_whole(one: object) -> bool:
    return (isinstance(one, int) and not isinstance(one, bool)) or (isinstance(one, float) and one.is_integer())


def _read(periods: Sequence[Any]) -> _Reading | None:
    """Read periods as days; None where they are none."""
    if all(type(one) is date for one in periods):
        return _Reading(list(periods), lambda day: day)
    if all(isinstance(one, datetime) for one in periods):
        clocks = {one.timetz() for one in periods}
        if len(clocks) > 1:
            return None
        clock = clocks.pop()
        return _Reading([one.date() for one in periods], lambda day: datetime.combine(day, clock))
    if all(isinstance(one, str) for one in periods):
        return _read_texts(list(periods), str)
    if all(_is_whole(one) for one in periods):
        return _read_texts([str(int(one)) for one in periods], type(periods[0]))
    return None


def _read_texts(texts: list[str], kind: type) -> _Reading | None:
    for form, lacking in FORMS:
        days = [_day(text, form, lacking) for text in texts]
        known = [day for day in days if day is not None]
        if len(known) == len(days):
            return _Reading(known, partial(_written, form=form, kind=kind))
    return None


def _day(text: str, form: str, lacking: str) -> date | None:
    """Read one text; None unless it is written exactly so, zeros included."""
    try:
        day = datetime.strptime(text + "1" * bool(lacking), form + lacking).date()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        return None
    return day if day.year in _YEARS and day.strftime(form) == text else None


def _written(day: date, *, form: str, kind: type) -> Any:  # noqa: ANN401 (the type of the periods)
    return kind(day.strftime(form))


def _filled(days: list[date]) -> list[date]:
    """Add the days between, by months where the days are those of months, else by weeks or days."""
    for shift in (0, 1):  # the first day of a month, or the day before one
        moved = [day + timedelta(days=shift) for day in days]
        if all(day.day == 1 for day in moved):
            return [day - timedelta(days=shift) for day in _by_months(moved)]
    gaps = [(b - a).days for a, b in pairwise(days)]
    step = _step(gaps, STEPS_DAYS)
    first, last = days[0], days[-1]
    if step >= 7 and (last - first).days // step + 1 <= 2 * len(days):
        return _by_days(first, last, step)
    if len({day.day for day in days}) == 1 and first.day <= 28:
        return _by_months(days)
    return _by_days(first, last, step) if (last - first).days // step + 1 <= 2 * len(days) else days


def _by_months(days: list[date]) -> list[date]:
    """Give one day of each month from the first to the last, all on the same day of their months."""
    months = [12 * day.year + day.month - 1 for day in days]
    step = _step([b - a for a, b in pairwise(months)], STEPS_MONTHS)
    return [date(month // 12, month % 12 + 1, days[0].day) for month in range(months[0], months[-1] + 1, step)]


def _by_days(first: date, last: date, step: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]


def _step(gaps: list[int], steps: tuple[int, ...]) -> int:
    """Give the longest of some steps of which all gaps are multiples; the steps end with 1."""
    common = gcd(*gaps)
    return next(step for step in steps if common % step == 0)
