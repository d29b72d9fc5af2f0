"""Calendars of periods: the step of each kind of period, gaps, and periods that are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation import aggregate, rates
from ons_bigdata.prices.methods.bilateral import bilateral_index
from ons_bigdata.prices.methods.multilateral import multilateral_index
from ons_bigdata.prices.methods.panels import impute_prices
from ons_bigdata.prices.methods.panels.period_calendar import months_of, period_calendar, refuse_unsorted_text
from ons_bigdata.prices.methods.quality import relative_filter


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
        [date(2024, 1, 9), date(2024, 2, 13), date(2024, 3, 12), date(2024, 4, 9)],  # second Tuesdays
        [date(2024, 1, 3), date(2024, 2, 3), date(2024, 3, 3)],
        ["2019", "2020", "2021"],
        [True],
        [date(2024, 5, 9)],
        ["x"],
        [],
    ],
    ids=str,
)
def test_without_gaps(observed):
    assert filled(*observed) == observed


@pytest.mark.parametrize(
    ("observed", "length", "one_between"),
    [
        ([1, 2, 3, 6, 7], 7, 5),
        ([1, 2, 3, 20, 21], 21, 11),
        ([2000, 2001, 2040], 41, 2020),
        ([100_001, 100_113], 113, 100_002),  # no months of this age
        ([Decimal(1), Decimal(9)], 9, Decimal(4)),
        ([201801, 201802, 203001], 145, 202412),
        (["2018-01", "2018-02", "2030-01"], 145, "2024-12"),
        (["2018M01", "2018M02", "2030M01"], 145, "2024M12"),
        ([date(2024, 1, 1), date(2024, 1, 8), date(2025, 12, 29)], 105, date(2025, 1, 6)),
        ([date(2024, 1, 3), date(2024, 5, 8), date(2024, 5, 9)], 128, date(2024, 2, 29)),
        ([date(2024, 1, 9), date(2024, 2, 13), date(2024, 9, 10)], 9, date(2024, 6, 11)),  # second Tuesdays
        (["2019-W51", "2019-W52", "2021-W01"], 56, "2020-W53"),
        (["2019Q4", "2020Q2"], 3, "2020Q1"),
        (["2019-Q4", "2020-Q1", "2024-Q4"], 21, "2022-Q3"),
        (["201913", "201915"], 3, "201914"),
        (["2001", "2005"], 5, "2003"),
    ],
    ids=str,
)
def test_a_missing_period_is_a_gap_whatever_its_length(observed, length, one_between):
    calendar = filled(*observed)
    assert len(calendar) == length
    assert one_between in calendar
    assert set(observed) <= set(calendar)
    assert calendar == sorted(calendar)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ([_at(2024, 1, 1, 9), _at(2024, 1, 1, 10), _at(2024, 1, 3, 9)], "datetimes of several times of day"),
        (["a", "b"], "the periods, as 'a', read neither as months"),
        (["2019-01", "2019-Q2"], "the periods, as '2019-01', read neither as months"),
        ([0.5, 3.0], r"the periods, as 0\.5, are float"),
        ([0, 10**12], "there are 1000000000001 periods, at most 100000 are expected"),
        ([date(1800, 1, 1), date(2199, 5, 7)], "periods, at most 100000 are expected"),
    ],
    ids=str,
)
def test_periods_without_a_known_step_ask_for_the_calendar(observed, message):
    with pytest.raises(ValueError, match=message):
        filled(*observed)
    assert period_calendar(observed, observed, windowed=True) == observed
    assert period_calendar(observed, windowed=False) == observed


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        (
            ["2020-8", "2020-9", "2020-10"],
            "period '2020-8' is a month or week without its leading zero; expected .* as 2020-08",
        ),
        (["2019-12", "2020-1"], "'2020-1' is a month or week without its leading zero"),
        (["2019-W9", "2019-W10"], "'2019-W9' is a month or week without its leading zero"),
        (["2020-1-5", "2020-1-12"], "'2020-1-12' is a day without its leading zeros"),
        (["Jan", "Feb", "Mar"], "'Feb' is a month without a year"),
        (["January", "february"], "a month without a year"),
        (["Jan 2020", "Feb 2020"], "'Feb 2020' is a named month"),
        (["2020 JAN", "2020 FEB"], "'2020 FEB' is a named month"),
        (["Q4 2019", "Q1 2020"], "'Q1 2020' is written with its year last"),
        (["01/2020", "02/2020"], "'01/2020' is written with its year last"),
        (["31.01.2020", "29.02.2020"], "is written with its year last"),
    ],
    ids=str,
)
def test_text_that_does_not_sort_in_time_is_refused_everywhere(periods, message):
    quotes = pl.DataFrame({"period": periods, "product": "a", "price": 1.0, "quantity": 1.0})
    indices = quotes.select("period", node="product", index="price")
    weights, tree = pl.DataFrame({"node": ["a"], "weight": [1.0]}), pl.DataFrame({"node": ["a"], "parent": ["a"]})
    for compute in (
        lambda: refuse_unsorted_text(periods),
        lambda: bilateral_index(quotes, "jevons", "chained"),
        lambda: multilateral_index(quotes, "geks_jevons"),
        lambda: impute_prices(quotes, "carry_forward"),
        lambda: relative_filter(quotes),
        lambda: rates(indices, 1),
        lambda: aggregate(indices, weights, tree),
    ):
        with pytest.raises(ValueError, match=message):
            compute()


def test_other_text_and_enums_sort_as_they_do():
    refuse_unsorted_text(["base", "Jan", "x"])
    refuse_unsorted_text(["2020-01", "2020-02"])
    refuse_unsorted_text([])
    spring = pl.Enum(["Mar", "Apr", "May", "Jun"])
    quotes = pl.DataFrame({"period": pl.Series(["Mar", "Jun"], dtype=spring), "product": "a", "price": [1.0, 2.0]})
    assert bilateral_index(quotes, "jevons")["index"].to_list() == [1.0, 2.0]
    table = multilateral_index(quotes, "geks_jevons", window=4)
    assert table["period"].to_list() == ["Mar", "Apr", "May", "Jun"]
    assert table["index"].to_list() == [1.0, None, None, pytest.approx(2.0)]


def test_a_calendar_given_wins():
    assert period_calendar([201911, 202002], [201911, 202002], windowed=True) == [201911, 202002]
    assert period_calendar([1, 3], [1, 2, 3], windowed=False) == [1, 2, 3]


def test_decembers():
    assert months_of([201911, 201912, 202001]) == [11, 12, 1]
    assert months_of(["2019-12", "2020-12"]) == [12, 12]
    assert months_of([1, 2]) is None
    assert months_of([date(2019, 12, 10), date(2020, 1, 14), date(2020, 2, 11)]) == [12, 1, 2]  # second Tuesdays
    for periods in (
        ["2019-W51", "2019-W52"],
        ["2019-Q4", "2020-Q1"],
        [date(2019, 12, 2), date(2019, 12, 9), date(2020, 1, 6)],
        [date(2019, 12, 1), date(2019, 12, 2)],
        [20191201, 20191202],
        ["2019", "2020"],
    ):
        assert months_of(periods) is None


@settings(max_examples=30, deadline=None)
@given(
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.sampled_from([1, 7, 14, 28]),
    st.lists(st.booleans(), min_size=4, max_size=30),
)
def test_a_gap_of_one_step_is_filled_and_nothing_is_lost(start, step, gaps):
    # No two gaps follow each other.
    days = [start + timedelta(days=step * n) for n in range(2 * len(gaps))]
    observed = [day for n, day in enumerate(days[:-1]) if n % 2 == 0 or gaps[n // 2]]
    calendar = filled(*observed)
    assert set(observed) <= set(calendar)
    assert calendar == sorted(set(calendar))
    if any(gaps[:-1]):  # the last day is left out
        assert calendar == [day for day in days if day <= observed[-1]]
