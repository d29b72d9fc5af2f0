"""Calendars: periods, keys and the translation of a range of days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.calendar import Cadence, Calendar, parse_day
from ons_bigdata.platform.errors import InputError

FIRST = date(2014, 6, 1)
ZONE = "Europe/London"
DAYS, MONTHS, QUARTERS = (Calendar(cadence, FIRST, ZONE) for cadence in Cadence)

days = st.dates(date(2014, 6, 1), date(2030, 12, 31))


def test_a_range_of_days_is_the_periods_that_it_touches() -> None:
    first, last = date(2016, 1, 3), date(2016, 2, 10)
    keys = DAYS.keys(first, last)
    assert (len(keys), keys[0], keys[-1]) == (39, "2016-01-03", "2016-02-10")
    assert MONTHS.keys(first, last) == ["2016-01-01", "2016-02-01"]
    assert QUARTERS.keys(first, last) == ["2016-01-01"]
    assert QUARTERS.keys(date(2016, 3, 31), date(2016, 10, 1)) == [
        "2016-01-01",
        "2016-04-01",
        "2016-07-01",
        "2016-10-01",
    ]


def test_keys_are_translated_back_to_whole_periods() -> None:
    assert MONTHS.days("2016-01-01", "2016-02-01") == (date(2016, 1, 1), date(2016, 2, 29))
    assert QUARTERS.days("2016-10-01", "2016-10-01") == (date(2016, 10, 1), date(2016, 12, 31))
    assert DAYS.days("2016-01-03", "2016-01-05") == (date(2016, 1, 3), date(2016, 1, 5))


@pytest.mark.parametrize("calendar", [DAYS, MONTHS, QUARTERS])
@given(first=days, length=st.integers(0, 400))
def test_a_period_has_a_key_exactly_if_one_of_its_days_is_in_the_range(
    calendar: Calendar, first: date, length: int
) -> None:
    last = first + timedelta(days=length)
    by_day = sorted({calendar.key(first + timedelta(days=number)) for number in range(length + 1)})
    assert calendar.keys(first, last) == by_day
    start, end = calendar.days(by_day[0], by_day[-1])
    assert start <= first <= last <= end
    assert calendar.keys(start, end) == by_day


def test_a_day_outside_the_calendar_and_a_text_that_is_no_day_are_refused() -> None:
    assert DAYS.require_day("2014-06-01", what="--from") == FIRST
    with pytest.raises(InputError, match=r"--from 2014-05-31 is outside the calendar, which runs from 2014-06-01 to"):
        DAYS.require_day("2014-05-31", what="--from")
    with pytest.raises(InputError, match="outside the calendar"):
        DAYS.require_day((DAYS.today() + timedelta(days=1)).isoformat(), what="--to")
    with pytest.raises(InputError, match=r"--to: found '2016-13-01', expected a day YYYY-MM-DD"):
        parse_day("2016-13-01", what="--to")
    with pytest.raises(ValueError, match="is after"):
        DAYS.keys(date(2016, 1, 2), date(2016, 1, 1))


def test_the_first_period_of_a_calendar_may_begin_before_its_first_day() -> None:
    assert QUARTERS.require_day("2014-05-31", what="day") == date(2014, 5, 31)


def test_consecutive_periods_are_one_stretch() -> None:
    assert DAYS.stretches(["2016-03-01", "2016-02-28", "2016-02-29", "2016-03-03"]) == [
        ("2016-02-28", "2016-03-01"),
        ("2016-03-03", "2016-03-03"),
    ]
    assert MONTHS.stretches(["2016-01-01", "2016-02-01", "2016-04-01"]) == [
        ("2016-01-01", "2016-02-29"),
        ("2016-04-01", "2016-04-30"),
    ]
    assert DAYS.stretches([]) == []
