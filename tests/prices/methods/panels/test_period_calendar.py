"""The calendar of periods: what each kind of period is filled by, and what is left as it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.panels.period_calendar import months_of, period_calendar


def _at(*clock: int) -> datetime:
    return datetime(*clock)  # noqa: DTZ001 (a column of datetimes has no zone as a rule)


def filled(*observed):
    return period_calendar(list(observed), windowed=True)


@pytest.mark.parametrize(
    ("observed", "between"),
    [
        ([201911, 201912, 202002], [202001]),
        ([20191231, 20200102], [20200101]),
        ([20191101, 20191201, 20200201], [20200101]),
        ([201903, 201906, 201912], [201909]),
        ([201951, 201952, 202002], [202001]),
        (["2019-W51", "2019-W52", "2020-W02"], ["2020-W01"]),
        (["2019-11", "2020-01", "2020-02"], ["2019-12"]),
        (["2019-12-30", "2019-12-31", "2020-01-02"], ["2020-01-01"]),
        ([201911.0, 202001.0, 202002.0], [201912.0]),
        ([date(2023, 12, 31), date(2024, 2, 29)], [date(2024, 1, 31)]),
        ([date(2023, 1, 15), date(2023, 2, 15), date(2023, 4, 15)], [date(2023, 3, 15)]),
        ([date(2020, 6, 30), date(2020, 9, 30), date(2021, 3, 31)], [date(2020, 12, 31)]),
        ([date(2020, 1, 1), date(2021, 1, 1), date(2023, 1, 1)], [date(2022, 1, 1)]),
        ([date(2024, 1, 1), date(2024, 1, 15), date(2024, 2, 12)], [date(2024, 1, 29)]),
        ([date(2024, 2, 28), date(2024, 3, 1)], [date(2024, 2, 29)]),
        ([_at(2024, 2, 28, 9), _at(2024, 3, 1, 9)], [_at(2024, 2, 29, 9)]),
        ([datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)],
         [datetime(2024, 3, 1, tzinfo=UTC)]),
        ([7, 9], [8]),
    ],
    ids=lambda value: str(value[-1]),
)  # fmt: skip
def test_filled(observed, between):
    assert filled(*observed) == sorted([*observed, *between])
    assert [type(one) for one in filled(*observed)] == [type(observed[0])] * (len(observed) + len(between))
    assert period_calendar(observed, windowed=False) == observed


@pytest.mark.parametrize(
    "observed",
    [
        [2000, 2005, 2010, 2015],
        [0, 10**12],
        [100_001, 100_113],  # no months of this age
        [date(2024, 1, 9), date(2024, 2, 13), date(2024, 3, 12), date(2024, 4, 9)],  # second Tuesdays
        [date(2024, 1, 3), date(2024, 5, 8), date(2024, 5, 9)],
        [_at(2024, 1, 1, 9), _at(2024, 1, 1, 10), _at(2024, 1, 3, 9)],
        ["2019Q4", "2020Q2"],
        ["2019-1", "2019-3"],
        ["201913", "201915"],
        [0.5, 3.0],
        [Decimal(1), Decimal(3)],
        [True],
        [date(2024, 5, 9)],
        [],
    ],
    ids=str,
)
def test_left_as_they_are(observed):
    assert filled(*observed) == observed


def test_a_calendar_given_wins():
    assert period_calendar([201911, 202002], [201911, 202002], windowed=True) == [201911, 202002]
    assert period_calendar([1, 3], [1, 2, 3], windowed=False) == [1, 2, 3]


def test_decembers():
    assert months_of([201911, 201912, 202001]) == [11, 12, 1]
    assert months_of(["2019-12", "2020-12"]) == [12, 12]
    assert months_of([1, 2]) is None


@settings(max_examples=30, deadline=None)
@given(
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.sampled_from([1, 7, 14, 28]),
    st.lists(st.booleans(), min_size=4, max_size=30),
)
def test_a_gap_of_one_step_is_filled_and_nothing_is_lost(start, step, gaps):
    # No two gaps follow each other, so that no more than half of the periods are missing.
    days = [start + timedelta(days=step * n) for n in range(2 * len(gaps))]
    observed = [day for n, day in enumerate(days[:-1]) if n % 2 == 0 or gaps[n // 2]]
    calendar = filled(*observed)
    assert set(observed) <= set(calendar)
    assert calendar == sorted(set(calendar))
    if any(gaps[:-1]):  # the last day is left out
        assert calendar == [day for day in days if day <= observed[-1]]
