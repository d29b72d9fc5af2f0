"""Half hours of local days: clock changes, codes of the Irish trial, holidays."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from ons_bigdata.simulation.meters.clock import HalfHours, easter_sunday
from ons_bigdata.simulation.meters.deliveries.reading_files import cer_codes

TRIAL = HalfHours(date(2009, 7, 14), 536, "Europe/Dublin")


@pytest.mark.parametrize(
    ("code", "started_at"),
    [
        (19501, "2009-07-13T23:00"),
        (29850, "2009-10-25T23:30"),
        (45204, "2010-03-28T00:30"),
        (45205, "2010-03-28T01:00"),
        (45248, "2010-03-28T22:30"),
        (66901, "2010-10-30T23:00"),
        (66950, "2010-10-31T23:30"),
        (73048, "2010-12-31T23:30"),
    ],
)
def test_codes_of_the_trial_are_those_of_its_documentation(code: int, started_at: str) -> None:
    (row,) = np.flatnonzero(cer_codes(TRIAL) == code)
    assert TRIAL.started_at[row] == np.datetime64(started_at)


def test_the_trial_has_25730_half_hours_and_no_code_twice() -> None:
    codes = cer_codes(TRIAL)
    assert TRIAL.count == codes.size == np.unique(codes).size == 536 * 48 + 2
    assert not {45202, 45203} & set(codes.tolist())


def test_slots_skip_an_hour_in_spring_and_repeat_one_in_autumn() -> None:
    spring = HalfHours(date(2010, 3, 28), 1, "Europe/Dublin")
    autumn = HalfHours(date(2010, 10, 31), 1, "Europe/Dublin")
    assert spring.slot.tolist() == [0, 1, *range(4, 48)]
    assert autumn.slot.tolist() == [0, 1, 2, 3, 2, 3, *range(4, 48)]


def test_easter_days_are_those_of_the_calendar() -> None:
    days = [easter_sunday(year) for year in (2008, 2009, 2010, 2011, 2038)]
    assert days == [date(2008, 3, 23), date(2009, 4, 12), date(2010, 4, 4), date(2011, 4, 24), date(2038, 4, 25)]


def test_public_holidays_of_a_year_are_marked() -> None:
    year = HalfHours(date(2010, 1, 1), 365, "Europe/Dublin")
    marked = year.dates[year.is_public_holiday].tolist()
    assert {date(2010, 1, 1), date(2010, 4, 2), date(2010, 4, 5), date(2010, 5, 3), date(2010, 12, 25)} <= set(marked)
    assert len(marked) == 7


def test_the_sun_is_up_longer_in_june_than_in_december() -> None:
    year = HalfHours(date(2010, 1, 1), 365, "Europe/Dublin")
    by_day = np.add.reduceat(year.sun_elevation > 0, year.starts[:-1])
    assert (by_day[171], by_day[354]) == (34, 14)


@pytest.mark.parametrize(
    ("days", "zone", "words"), [(0, "Europe/Dublin", "at least 1"), (2, "Asia/Kathmandu", "no multiple")]
)
def test_impossible_ranges_and_zones_are_refused(days: int, zone: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        HalfHours(date(2010, 1, 1), days, zone)
