"""Calendars of periods: how periods are read, the step between them, and all periods from the first to the last.

Periods are any values that sort. Their step is known from what they are: months, quarters, weeks, days or whole
numbers. A period that is absent from the quotes is a gap, whatever the length of the gap.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEPS_MONTHS = (12, 6, 3, 1)
"""Steps of months, longest first: years, half-years, quarters, months."""
STEPS_DAYS = (28, 14, 7, 1)
"""Steps of days, longest first: four weeks, fortnights, weeks, days."""
MOST_PERIODS = 100_000
"""A calendar of more periods than this is an error in the periods, not a calendar."""

_YEAR = r"(?P<year>(?:18|19|20|21)\d\d)"
"""Numbers of other years are no dates: 100001 is a number."""
_NAMED_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"  # noqa: E501


class Form(NamedTuple):
    """How text writes a period: its unit, the pattern (groups year, month, day, quarter, week), and its template."""

    unit: str
    pattern: re.Pattern[str]
    template: str


def _form(unit: str, pattern: str, template: str) -> Form:
    return Form(unit, re.compile(_YEAR + pattern), template)


FORMS = (
    *(
        _form("month", rf"{s}(?P<month>0[1-9]|1[0-2])", "{year:04}" + s + "{month:02}")
        for s in ("", "-", "/", "M", "-M")
    ),
    *(
        _form("day", rf"{s}(?P<month>\d\d){s}(?P<day>\d\d)", "{year:04}" + s + "{month:02}" + s + "{day:02}")
        for s in ("", "-", "/")
    ),
    *(_form("week", rf"{s}(?P<week>\d\d)", "{year:04}" + s + "{week:02}") for s in ("", "-W", "W", " W")),
    *(
        _form("quarter", rf"{s}(?P<quarter>[1-4])", "{year:04}" + s + "{quarter}")
        for s in ("-Q", "Q", " Q", "/Q", "-q", "q")
    ),
    _form("year", "", "{year:04}"),
)  # fmt: skip
"""Forms of text that sort in time; the first that fits all periods counts: 201801 to 201812 are months."""

_BY_NAME = "a named month, which text sorts by its name"
_YEAR_LAST = "written with its year last, which text does not sort in time"
UNSORTED_FORMS = tuple(
    (re.compile(pattern, re.IGNORECASE), fault, expected)
    for pattern, fault, expected in (
        (_YEAR + r"[-/ ]?[MW]?\d{1,2}", "a month or week without its leading zero", "2020-08 or 2020-W09"),
        (_YEAR + r"[-/ ]\d{1,2}[-/ ]\d{1,2}", "a day without its leading zeros", "2020-08-03"),
        (_NAMED_MONTH, "a month without a year, which text sorts by its name", "2020-01"),
        (rf"{_NAMED_MONTH}[-/ ]?\d{{2,4}}", _BY_NAME, "2020-01"),
        (rf"\d{{4}}[-/ ]?{_NAMED_MONTH}", _BY_NAME, "2020-01"),
        (r"Q[1-4][-/ ]?\d{4}", _YEAR_LAST, "2020-Q1"),
        (r"\d{1,2}[-/.]\d{4}", _YEAR_LAST, "2020-01"),
        (r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}", _YEAR_LAST, "2020-01-31"),
    )
)
"""Forms of text that are periods but do not sort in time: pattern, what is wrong, how to write it."""


@dataclass(frozen=True)
class Calendar:
    """All periods in order and the step between them: `step` units of "month", "day" or "number".

    `whole_months`: each period is a month of its own, so that its month of the year has a meaning.
    """

    periods: list[Any]
    unit: str
    step: int
    whole_months: bool = False


@dataclass(frozen=True)
class _Reading:
    """Periods read as days; `unit` of the form they are written in, `write` turns a day into a period."""

    days: list[date]
    unit: str
    write: Callable[[date], Any]


def period_calendar(
    observed: list[Any],
    given: Sequence[Any] | pl.Series | None = None,
    *,
    windowed: bool,
    dtype: pl.DataType | None = None,
) -> list[Any]:
    """List all periods in order, those without quotes included.

    `observed`: the distinct periods of the quotes, in order. `given`: the calendar, where the caller knows it; it
    replaces what is read from the periods. `windowed`: whether periods are counted; if not, those observed are all.
    `dtype`: of the periods; an Enum's categories between the first and the last period are its calendar.

    Without `given` the periods between those observed are added, by a step that follows from what they are:

    * dates that are all first or all last days of a month, one day (1 to 28) or one weekday of months (the second
      Tuesdays): by the longest of 12, 6, 3 and 1 months of which all distances are multiples;
    * other dates: by the longest of 28, 14, 7 and 1 days of which all distances are multiples;
    * datetimes of one time of day: as dates;
    * text and whole numbers that all read as months (YYYYMM, YYYY-MM, YYYYMmm) or days (YYYYMMDD, YYYY-MM-DD): as
      those dates; as quarters (YYYY-Qn, YYYYQn), years (YYYY) or ISO weeks (YYYYWW, YYYY-Www): by 1 of them;
    * other whole numbers: by 1.

    Raises ValueError on a given calendar that does not ascend or lacks a period of the quotes; on periods whose step
    is unknown (other text, fractions, datetimes of several times of day), with the reason; on a calendar of more than
    100,000 periods.
    """
    if given is not None:
        return given_calendar(observed, given)
    if not windowed or len(observed) < 2:
        return list(observed)
    return read_calendar(observed, dtype=dtype).periods


def given_calendar(observed: Sequence[Any], given: Sequence[Any] | pl.Series) -> list[Any]:
    """Check a calendar that the caller gives. Raises ValueError as `period_calendar`."""
    calendar = list(given)
    known = set(calendar)
    lost = [period for period in observed if period not in known]
    if lost:
        message = f"calendar: period {lost[0]} of the quotes is missing; found {len(calendar)} periods"
        raise ValueError(message)
    try:
        ascends = all(a < b for a, b in pairwise(calendar))
    except TypeError:
        ascends = False
    if not ascends:
        message = "calendar: periods do not ascend; expected each once, in order"
        raise ValueError(message)
    return calendar


def read_calendar(observed: Sequence[Any], *, dtype: pl.DataType | None = None) -> Calendar:
    """Read the step of periods and add those between; rules and errors as in `period_calendar`."""
    if isinstance(dtype, pl.Enum):
        names = dtype.categories.to_list()
        places = [names.index(period) for period in observed]
        return Calendar(names[min(places) : max(places) + 1] if places else [], "number", 1)
    if (reading := _read(observed)) is not None:
        return _of_days(reading)
    if all(_is_whole(period) for period in observed):
        first, last = int(observed[0]), int(observed[-1])
        _refuse_long((last - first) + 1, observed)
        kind = type(observed[0])
        return Calendar([kind(number) for number in range(first, last + 1)], "number", 1)
    message = f"calendar is missing: {_why_unknown(observed)}; give the calendar, all periods in order"
    raise ValueError(message)


def months_of(periods: Sequence[Any]) -> list[int] | None:
    """Month of the year (1 to 12) of each period; None where the periods are not months."""
    if not periods or (reading := _read(periods)) is None:
        return None
    return [day.month for day in reading.days] if _of_days(reading).whole_months else None


def refuse_unsorted_text(periods: Sequence[Any], name: str = "quotes") -> None:
    """Raise ValueError on text that is a period but sorts otherwise than in time (`2020-8`, `Jan`, `Q1 2020`)."""
    texts = [period for period in periods if isinstance(period, str)]
    if not texts or len(texts) < len(periods) or _read(texts) is not None:
        return
    others = sorted(text for text in texts if not any(form.pattern.fullmatch(text) for form in FORMS))
    faults = [_fault(text) for text in others]
    if not faults or None in faults:
        return  # no periods, but names, which sort as text
    message = f"{name}: period {others[0]!r} is {faults[0]}"
    raise ValueError(message)


def _fault(text: str) -> str | None:
    for pattern, fault, expected in UNSORTED_FORMS:
        if pattern.fullmatch(text.strip()):
            return f"{fault}; expected text that sorts in time, as {expected}"
    return None


def _is_whole(period: object) -> bool:
    if isinstance(period, Decimal):
        return period == period.to_integral_value()
    return (isinstance(period, int) and not isinstance(period, bool)) or (
        isinstance(period, float) and period.is_integer()
    )


def _why_unknown(observed: Sequence[Any]) -> str:
    first = observed[0]
    if isinstance(first, datetime):
        return "the periods are datetimes of several times of day, which have no known step"
    if isinstance(first, str):
        return f"the periods, as {first!r}, read neither as months, quarters, weeks or days nor as numbers"
    return f"the periods, as {first!r}, are {type(first).__name__}, which has no known step"


def _refuse_long(count: int, observed: Sequence[Any]) -> None:
    if count > MOST_PERIODS:
        message = (
            f"calendar is missing: from {observed[0]} to {observed[-1]} there are {count} periods, at most"
            f" {MOST_PERIODS} are expected; give the calendar"
        )
        raise ValueError(message)


def _read(periods: Sequence[Any]) -> _Reading | None:
    """Read periods as days; None where they are none."""
    if all(type(period) is date for period in periods):
        return _Reading(list(periods), "date", lambda day: day)
    if all(isinstance(period, datetime) for period in periods):
        clocks = {period.timetz() for period in periods}
        if len(clocks) > 1:
            return None
        clock = clocks.pop()
        return _Reading([period.date() for period in periods], "date", lambda day: datetime.combine(day, clock))
    if all(isinstance(period, str) for period in periods):
        return _read_texts(list(periods), str)
    if all(_is_whole(period) for period in periods):
        return _read_texts([str(int(period)) for period in periods], type(periods[0]))
    return None


def _read_texts(texts: list[str], kind: type) -> _Reading | None:
    for form in FORMS:
        days = [_day(text, form) for text in texts]
        known = [day for day in days if day is not None]
        if len(known) == len(days):
            return _Reading(known, form.unit, _Writer(form, kind))
    return None


@dataclass(frozen=True)
class _Writer:
    form: Form
    kind: type

    def __call__(self, day: date) -> Any:  # noqa: ANN401 (the type of the periods)
        if self.form.unit == "week":
            year, week, _ = day.isocalendar()
            return self.kind(self.form.template.format(year=year, week=week))
        quarter = (day.month + 2) // 3
        text = self.form.template.format(year=day.year, month=day.month, day=day.day, quarter=quarter)
        return self.kind(text)


def _day(text: str, form: Form) -> date | None:
    """Read one text as the first day of its period; None unless it is written exactly so, zeros included."""
    found = form.pattern.fullmatch(text)
    if found is None:
        return None
    parts = {name: int(value) for name, value in found.groupdict().items()}
    try:
        if form.unit == "week":
            return date.fromisocalendar(parts["year"], parts["week"], 1)
        month = 3 * parts["quarter"] - 2 if form.unit == "quarter" else parts.get("month", 1)
        return date(parts["year"], month, parts.get("day", 1))
    except ValueError:
        return None


def _of_days(reading: _Reading) -> Calendar:
    """Fill in the days between, by the unit of the form, else by months or days as the dates tell."""
    days = reading.days
    if reading.unit == "week":
        return _calendar(reading, _by_days(days, 7), "day", 7)
    if reading.unit in ("quarter", "year"):
        step = 3 if reading.unit == "quarter" else 12
        return _calendar(reading, _by_months(days, step, _same_day(1)), "month", step)
    place = _same_day(1) if reading.unit == "month" else _place_in_month(days)
    if place is not None:
        step = _step([b - a for a, b in pairwise(map(_month_number, days))], STEPS_MONTHS)
        return _calendar(reading, _by_months(days, step, place), "month", step, whole_months=True)
    step = _step([(b - a).days for a, b in pairwise(days)], STEPS_DAYS)
    return _calendar(reading, _by_days(days, step), "day", step)


def _calendar(reading: _Reading, days: list[date], unit: str, step: int, *, whole_months: bool = False) -> Calendar:
    return Calendar([reading.write(day) for day in days], unit, step, whole_months)


def _same_day(number: int) -> Callable[[int, int], date]:
    return lambda year, month: date(year, month, number)


def _last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _nth_weekday(nth: int, weekday: int) -> Callable[[int, int], date]:
    def day(year: int, month: int) -> date:
        return date(year, month, 1 + (weekday - date(year, month, 1).weekday()) % 7 + 7 * (nth - 1))

    return day


def _place_in_month(days: list[date]) -> Callable[[int, int], date] | None:
    """Find where in their months days stand if they are one a month; None where they are not months."""
    if len(set(map(_month_number, days))) < len(days):
        return None
    if all(day == _last_day(day.year, day.month) for day in days):
        return _last_day
    if len({day.day for day in days}) == 1 and days[0].day <= 28:
        return _same_day(days[0].day)
    nths, weekdays = {(day.day + 6) // 7 for day in days}, {day.weekday() for day in days}
    if len(days) > 2 and len(nths) == len(weekdays) == 1 and max(nths) <= 4:
        return _nth_weekday(nths.pop(), weekdays.pop())
    return None


def _month_number(day: date) -> int:
    return 12 * day.year + day.month - 1


def _by_months(days: list[date], step: int, place: Callable[[int, int], date]) -> list[date]:
    months = range(_month_number(days[0]), _month_number(days[-1]) + 1, step)
    return [place(month // 12, month % 12 + 1) for month in months]


def _by_days(days: list[date], step: int) -> list[date]:
    length = (days[-1] - days[0]).days
    _refuse_long(length // step + 1, days)
    return [days[0] + timedelta(days=n) for n in range(0, length + 1, step)]


def _step(distances: list[int], steps: tuple[int, ...]) -> int:
    """Longest of some steps of which all distances are multiples; the steps end with 1."""
    common = gcd(*distances) if distances else 1
    return next(step for step in steps if common % step == 0)
