"""Periods: their order, the step between them, and the calendar of all periods from the first to the last.

Periods are dates, numbers, text of one form that sorts in time (`period_texts`), or an Enum, whose categories are their
order; a calendar that the caller gives is the order of any periods. Their step is known from what they are: months,
quarters, weeks, days or whole numbers. A period that is absent is a gap, whatever the length of the gap.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import shown_value
from ons_bigdata.prices.methods.panels.input_checks import listed_values, python_value, true_or_false
from ons_bigdata.prices.methods.panels.period_texts import (
    dated_texts,
    numbered_texts,
    other_reading,
    why_unsorted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEPS_MONTHS = (12, 6, 3, 1)
"""Steps of months, longest first: years, half-years, quarters, months."""
STEPS_DAYS = (28, 14, 7, 1)
"""Steps of days, longest first: four weeks, fortnights, weeks, days."""
UNIT_MONTHS = {"quarter": 3, "half-year": 6, "year": 12, "split year": 12}
"""Step in months of the units of text that state it."""
LEAST_DAYS_OF_MONTHS = 20
"""Dates once a month on no regular day are further apart than this."""
MOST_PERIODS = 100_000
"""A calendar of more periods than this is an error in the periods, not a calendar."""


@dataclass(frozen=True)
class Calendar:
    """All periods in order and the step between them: `step` units of "month", "day" or "number".

    `whole_months`: each period is a month, one after the other, so that its month of the year has a meaning.
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


# --- the order of periods ---


def refuse_unsorted(periods: pl.Series, name: str = "quotes") -> None:
    """Raise ValueError on a column of periods whose values sort otherwise than in time, or in no known order.

    That is text but for `period_texts.why_unsorted`, and bytes. Numbers, dates and Enums sort as they are. `name`: of
    the frame, in the message.
    """
    if periods.dtype == pl.Binary:
        message = f"{name}: periods are Binary, which does not sort in time; expected text, dates or numbers"
        raise ValueError(message)
    if periods.dtype not in (pl.String, pl.Categorical):
        return
    if (reason := why_unsorted(periods.drop_nulls().unique().cast(pl.String).to_list())) is not None:
        message = f"{name}: {reason}"
        raise ValueError(message)


def given_calendar(
    observed: Sequence[Any],
    given: Sequence[Any] | pl.Series,
    *,
    dtype: pl.DataType | None = None,
    name: str = "quotes",
) -> list[Any]:
    """Check a calendar that the caller gives: all periods, each once, in order.

    `observed`: the periods of the frame called `name`, of type `dtype`. The calendar is the order of text that states
    none; numbers, dates, text that reads as dates and Enums ascend in it.

    Raises ValueError on anything but a list of periods of that type, on a null or a repeated period, on a calendar that
    does not ascend or lacks a period of the frame.
    """
    if isinstance(given, Set):
        message = f"calendar: found {shown_value(given)}, expected a list of all periods in order"
        raise ValueError(message)
    calendar = listed_periods(given)
    known = set(calendar)
    lost = [period for period in observed if period not in known]
    if lost:
        others = type(calendar[0]) if calendar else type(lost[0])
        as_type = "" if others is type(lost[0]) else f" of type {others.__name__}, expected {type(lost[0]).__name__}"
        message = f"calendar: period {lost[0]} of the {name} is missing; found {len(calendar)} periods{as_type}"
        raise ValueError(message)
    if dtype is not None:
        calendar = _as_type(calendar, dtype)
    if len(known) < len(calendar) or not _ascends(calendar, dtype):
        message = "calendar: periods do not ascend; expected each once, in order"
        raise ValueError(message)
    return calendar


def listed_periods(given: object, *, name: str = "calendar") -> list[Any]:
    """Values of a list of periods. `name`: of the option, in messages.

    Raises ValueError on anything but a list, on a null, and on periods that are not all of one type that sorts.
    """
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping | pl.DataFrame):
        message = f"{name}: found {shown_value(given)}, expected a list of periods"
        raise ValueError(message)
    listed = [python_value(value) for value in given]
    try:
        values = pl.Series(given) if _is_array(given) else pl.Series(values=listed)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        message = f"{name}: the periods are not all of one type"
        raise ValueError(message) from error
    if values.dtype.is_nested() or values.dtype == pl.Object:
        message = f"{name}: the periods are {values.dtype}, expected numbers, text, dates or another type that sorts"
        raise ValueError(message)
    if values.has_nulls():
        message = f"{name}: found a null among the periods"
        raise ValueError(message)
    return values.to_list()


def _is_array(given: object) -> bool:
    """True of numpy arrays whose type polars has; it has not all of numpy's dates and times."""
    return isinstance(given, np.ndarray) and given.dtype.kind != "M"


def _as_type(calendar: list[Any], dtype: pl.DataType) -> list[Any]:
    """Periods of a calendar as they are in a column of the type."""
    if dtype.is_integer():
        calendar = [int(period) if _is_whole(period) else period for period in calendar]
    try:
        return pl.Series(calendar, dtype=dtype).to_list()
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        message = f"calendar: the periods are not all {dtype}, the type of the column of periods"
        raise ValueError(message) from error


def _ascends(calendar: list[Any], dtype: pl.DataType | None) -> bool:
    if isinstance(dtype, pl.Enum):
        places = {name: n for n, name in enumerate(dtype.categories)}
        calendar = [places[period] for period in calendar]
    if calendar and all(isinstance(period, str) for period in calendar):
        if (dates := dated_texts(calendar)) is None:
            return True
        calendar = dates.days
    try:
        return all(a < b for a, b in pairwise(calendar))
    except TypeError:
        return False


# --- the step between periods ---


def period_calendar(
    observed: list[Any],
    given: Sequence[Any] | pl.Series | None = None,
    *,
    windowed: bool,
    dtype: pl.DataType | None = None,
) -> list[Any]:
    """List all periods in order, those without quotes included.

    `observed`: the distinct periods of the quotes, in order. `given`: the calendar, where the caller knows it; it
    replaces what is read from the periods. `windowed`: whether periods are counted, or compared with the one before;
    if not, those observed are all. `dtype`: of the periods; an Enum's categories between the first and the last period
    are its calendar.

    Without `given` the periods between those observed are added, by a step that follows from what they are:

    * dates that are all first or all last days of a month, its first or last working days (Monday to Friday), one day
      (the last of a shorter month) or one weekday (the second Tuesdays, the last Fridays): by the longest of 12, 6, 3
      and 1 months of which all distances are multiples;
    * three or more dates at least 20 days apart, one in each month, quarter, half-year or year, on no regular day: by
      these, without gaps; where one is missing its date is unknown;
    * other dates: by the longest of 28, 14, 7 and 1 days of which all distances are multiples;
    * datetimes of one time of day: as dates;
    * text and whole numbers that all read as months (YYYYMM, YYYY-MM, YYYYMmm) or days (YYYYMMDD, YYYY-MM-DD): as
      those dates; as quarters (YYYY-Qn, YYYYQn), half-years (YYYY-Hn), years (YYYY, 2019/20) or ISO weeks (YYYYWW,
      YYYY-Www): by 1 of them;
    * other whole numbers, and text of whole numbers with as many digits (09, W09, week 09): by 1.

    Raises ValueError on anything but a list, and on periods that do not ascend; on a given calendar as
    `given_calendar`; on periods whose step is unknown (other text, fractions, datetimes of several times of day; 20194
    and 20201, which may be numbers or quarters), with the reason; on a calendar of more than 100,000 periods.
    """
    observed = listed_values("observed", observed, "periods")
    windowed = true_or_false("windowed", windowed)
    if given is not None:
        return given_calendar(observed, given, dtype=dtype)
    if not windowed or len(observed) < 2:
        return observed
    if not _ascends(observed, dtype):
        message = f"observed: {shown_value(observed)} do not ascend; expected each period once, in order"
        raise ValueError(message)
    return read_calendar(observed, dtype=dtype).periods


def read_calendar(observed: Sequence[Any], *, dtype: pl.DataType | None = None) -> Calendar:
    """Read the step of periods and add those between; rules and errors as in `period_calendar`."""
    if isinstance(dtype, pl.Enum):
        names = dtype.categories.to_list()
        places = [names.index(period) for period in observed]
        return Calendar(names[min(places) : max(places) + 1] if places else [], "number", 1)
    reading = _read(observed)
    _refuse_two_steps(observed, reading)
    if reading is not None:
        return _of_days(reading)
    if all(isinstance(period, str) for period in observed):
        texts = numbered_texts(observed)
        if texts is not None and texts.step_known:
            return _of_numbers(observed, texts.numbers, texts.write)
    elif all(_is_whole(period) for period in observed):
        return _of_numbers(observed, [int(period) for period in observed], type(observed[0]))
    message = f"calendar is missing: {_why_unknown(observed)}; give the calendar, all periods in order"
    raise ValueError(message)


def months_of(periods: Sequence[Any]) -> list[int] | None:
    """Month of the year (1 to 12) of each period; None where the periods are not months, one after the other.

    Quarters and years, also where they are written as dates or months (July, October, January), are no months.
    Raises ValueError on anything but a list.
    """
    periods = listed_values("periods", periods, "periods")
    if not periods or (reading := _read(periods)) is None:
        return None
    try:
        return [day.month for day in reading.days] if _of_days(reading).whole_months else None
    except ValueError:  # dates of no known step
        return None


def _is_whole(period: object) -> bool:
    if isinstance(period, Decimal):
        return period.is_finite() and period == period.to_integral_value()
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


def _refuse_two_steps(observed: Sequence[Any], reading: _Reading | None) -> None:
    """Refuse digits that read in two ways, between which the step differs: 20194 and 20201 as numbers or quarters."""
    whole = all(_is_whole(period) for period in observed)
    digits = [str(int(period)) if whole else str(period) for period in observed]
    if (other := other_reading(digits, "number" if reading is None else reading.unit)) is not None:
        unit = "whole number" if reading is None else reading.unit
        message = (
            f"calendar is missing: the periods, as {observed[0]!r} and {observed[-1]!r}, read as a {unit} and as"
            f" {other}; give the calendar, all periods in order"
        )
        raise ValueError(message)


def _refuse_long(count: int, observed: Sequence[Any]) -> None:
    if count > MOST_PERIODS:
        message = (
            f"calendar is missing: from {observed[0]} to {observed[-1]} there are {count} periods, at most"
            f" {MOST_PERIODS} are expected; give the calendar"
        )
        raise ValueError(message)


def _of_numbers(observed: Sequence[Any], numbers: Sequence[int], write: Callable[[int], Any]) -> Calendar:
    _refuse_long(numbers[-1] - numbers[0] + 1, observed)
    return Calendar([write(number) for number in range(numbers[0], numbers[-1] + 1)], "number", 1)


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
        texts = dated_texts(periods)
        return texts and _Reading(texts.days, texts.unit, texts.write)
    if all(_is_whole(period) for period in periods):
        kind, texts = type(periods[0]), dated_texts([str(int(period)) for period in periods])
        return texts and _Reading(texts.days, texts.unit, lambda day: kind(texts.write(day)))
    return None


def _of_days(reading: _Reading) -> Calendar:
    """Fill in the days between, by the unit of the form, else by months or days as the dates tell."""
    days = reading.days
    if reading.unit == "week":
        return _calendar(reading, _by_days(days, 7), "day", 7)
    if (step := UNIT_MONTHS.get(reading.unit)) is not None:
        return _calendar(reading, _by_months(days, step, _same_day(1)), "month", step)
    place = _same_day(1) if reading.unit == "month" else _place_in_month(days)
    distances = [b - a for a, b in pairwise(map(_month_number, days))]
    if place is not None:
        step = _step(distances, STEPS_MONTHS)
        return _calendar(reading, _by_months(days, step, place), "month", step, whole_months=step == 1)
    step = _step([(b - a).days for a, b in pairwise(days)], STEPS_DAYS)
    if step < STEPS_DAYS[0] and _are_once_a_month(days):
        if len(set(distances)) > 1 or distances[0] not in STEPS_MONTHS:
            message = (
                f"calendar is missing: the periods, as {days[0]} and {days[1]}, are dates at most once a month on no"
                " regular day, and the date of a missing month is unknown; give the calendar, all periods in order"
            )
            raise ValueError(message)
        return _calendar(reading, days, "month", distances[0], whole_months=distances[0] == 1)
    return _calendar(reading, _by_days(days, step), "day", step)


def _calendar(reading: _Reading, days: list[date], unit: str, step: int, *, whole_months: bool = False) -> Calendar:
    return Calendar([reading.write(day) for day in days], unit, step, whole_months)


# --- places of days in their months ---


def _last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _same_day(number: int) -> Callable[[int, int], date]:
    """The same day of each month; the last of a shorter one."""
    return lambda year, month: min(date(year, month, 1) + timedelta(days=number - 1), _last_day(year, month))


def _nth_weekday(nth: int, weekday: int) -> Callable[[int, int], date]:
    def day(year: int, month: int) -> date:
        return date(year, month, 1 + (weekday - date(year, month, 1).weekday()) % 7 + 7 * (nth - 1))

    return day


def _last_weekday(weekday: int) -> Callable[[int, int], date]:
    def day(year: int, month: int) -> date:
        last = _last_day(year, month)
        return last - timedelta(days=(last.weekday() - weekday) % 7)

    return day


def _first_working_day(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[first.weekday()])


def _last_working_day(year: int, month: int) -> date:
    last = _last_day(year, month)
    return last - timedelta(days=(0, 0, 0, 0, 0, 1, 2)[last.weekday()])


def _place_in_month(days: list[date]) -> Callable[[int, int], date] | None:
    """Find where in their months days stand if they are one a month; None where they are not months."""
    if len(set(map(_month_number, days))) < len(days):
        return None
    first, numbers = days[0], {day.day for day in days}
    places: list[Callable[[int, int], date]] = [_last_day, _first_working_day, _last_working_day]
    if len(numbers) == 1 or len(days) > 2:
        places.insert(1, _same_day(max(numbers)))
    if len(days) > 2:
        if (nth := (first.day + 6) // 7) <= 4:
            places.append(_nth_weekday(nth, first.weekday()))
        places.append(_last_weekday(first.weekday()))
    return next((place for place in places if all(place(day.year, day.month) == day for day in days)), None)


def _are_once_a_month(days: list[date]) -> bool:
    """True of three or more dates, at most one in each month, that stand apart like months."""
    return (
        len(days) > 2
        and len(set(map(_month_number, days))) == len(days)
        and all((b - a).days >= LEAST_DAYS_OF_MONTHS for a, b in pairwise(days))
    )


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
