"""Calendars of periods: the step of each kind of period, gaps, and periods that are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation import aggregate, december_january_links, rates
from ons_bigdata.prices.methods.bilateral import bilateral_index, bilateral_indicator
from ons_bigdata.prices.methods.multilateral import multilateral_index
from ons_bigdata.prices.methods.panels import impute_prices
from ons_bigdata.prices.methods.panels.period_calendar import months_of, period_calendar, refuse_unsorted
from ons_bigdata.prices.methods.quality import dump_filter, low_sales_filter, relative_filter


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
        ([date(2020, 1, 31), date(2020, 2, 28), date(2020, 3, 31), date(2020, 5, 29)], [date(2020, 4, 30)]),
        ([date(2020, 5, 29), date(2020, 7, 31)], [date(2020, 6, 30)]),  # last working days
        ([date(2020, 3, 31), date(2020, 4, 30), date(2020, 5, 29), date(2020, 9, 30)],
         [date(2020, 6, 30), date(2020, 7, 31), date(2020, 8, 31)]),
        ([date(2020, 1, 1), date(2020, 2, 3), date(2020, 4, 1)], [date(2020, 3, 2)]),  # first working days
        ([date(2020, 1, 31), date(2020, 2, 28), date(2020, 4, 24)], [date(2020, 3, 27)]),  # last Fridays
        ([date(2019, 12, 30), date(2020, 1, 30), date(2020, 3, 30)], [date(2020, 2, 29)]),
        ([date(2020, 1, 30), date(2020, 3, 30)], [date(2020, 2, 29)]),
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
        [date(2020, 1, 14), date(2020, 2, 11), date(2020, 3, 17), date(2020, 4, 14)],  # index days
        [date(2019, 9, 27), date(2019, 12, 24), date(2020, 3, 30), date(2020, 6, 26)],  # a day in each quarter
        [date(2020, 1, 31), date(2020, 2, 28), date(2020, 3, 31), date(2020, 4, 30), date(2020, 5, 29)],
        [date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 30), date(2020, 12, 31), date(2021, 3, 31)],
        [date(2019, 12, 30), date(2020, 3, 30), date(2020, 6, 29), date(2020, 9, 28)],  # 91 days, the last Mondays
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
        ([20201, 20203], 3, 20202),
        ([20194, 20195, 20201], 8, 20198),  # no quarters
        ([199952, 200002], 3, 200001),
        ([1998, 2001], 4, 2000),
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
        ([date(2020, 1, 14), date(2020, 2, 11), date(2020, 4, 17)], "dates at most once a month on no regular day"),
        ([date(2020, 1, 3), date(2020, 5, 7), date(2020, 9, 9)], "dates at most once a month on no regular day"),
        ([timedelta(1), timedelta(3)], r"the periods, as datetime.timedelta\(days=1\), are timedelta"),
        ([False, True], "the periods, as False, are bool"),
        ([20193, 20194, 20201], "20193 and 20201, read as a whole number and as a year and its quarter"),
        ([2019365, 2020001], "2019365 and 2020001, read as a whole number and as a year and its day"),
        ([1911, 1912, 2001], "1911 and 2001, read as a year and as a year of two digits and its month"),
        ([191231, 200101], "191231 and 200101, read as a week and as a year of two digits, month and day"),
        (["20194", "20201"], "'20194' and '20201', read as a whole number and as a year and its quarter"),
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
        lambda: refuse_unsorted(pl.Series(periods)),
        lambda: bilateral_index(quotes, "jevons", "chained"),
        lambda: multilateral_index(quotes, "geks_jevons"),
        lambda: impute_prices(quotes, "carry_forward"),
        lambda: relative_filter(quotes),
        lambda: rates(indices, 1),
        lambda: aggregate(indices, weights, tree),
    ):
        with pytest.raises(ValueError, match=message):
            compute()


def test_columns_that_sort_are_taken():
    refuse_unsorted(pl.Series(["2020-01", "2020-02"]))
    refuse_unsorted(pl.Series([], dtype=pl.String))
    refuse_unsorted(pl.Series([9, 10]))
    refuse_unsorted(pl.Series(["9", "10"], dtype=pl.Enum(["9", "10"])))
    spring = pl.Enum(["Mar", "Apr", "May", "Jun"])
    quotes = pl.DataFrame({"period": pl.Series(["Mar", "Jun"], dtype=spring), "product": "a", "price": [1.0, 2.0]})
    assert bilateral_index(quotes, "jevons")["index"].to_list() == [1.0, 2.0]
    table = multilateral_index(quotes, "geks_jevons", window=4)
    assert table["period"].to_list() == ["Mar", "Apr", "May", "Jun"]
    assert table["index"].to_list() == [1.0, None, None, pytest.approx(2.0)]


def test_a_calendar_given_wins():
    assert period_calendar([201911, 202002], [201911, 202002], windowed=True) == [201911, 202002]
    assert period_calendar([1, 3], [1, 2, 3], windowed=False) == [1, 2, 3]


# --- a missing period is a gap in every method ---


def gap_quotes(periods: list, prices: list) -> pl.DataFrame:
    """Product b is there in all periods of the quotes; product a where it has a price."""
    rows = [(period, "b", 1.0, 1.0) for period in periods]
    rows += [(period, "a", price, 1.0) for period, price in zip(periods, prices, strict=True) if price is not None]
    return pl.DataFrame(rows, schema=["period", "product", "price", "quantity"], orient="row")


def test_prices_are_interpolated_and_carried_over_missing_periods():
    quotes = gap_quotes(["2020-01", "2020-02", "2020-05"], [1.0, None, 16.0])
    filled = impute_prices(quotes, "interpolate").filter(product="a")
    assert filled.select("period", "price").rows() == [
        (f"2020-0{n}", pytest.approx(2.0 ** (n - 1))) for n in range(1, 6)
    ]
    quotes = gap_quotes(["2020-10", "2020-11", "2021-01"], [1.0, 2.0, None])
    carried = impute_prices(quotes, "carry_forward", max_periods=1).filter(product="a")
    assert carried.select("period", "price", "age").rows() == [
        ("2020-10", 1.0, 0), ("2020-11", 2.0, 0), ("2020-12", 2.0, 1), ("2021-01", None, 2)
    ]  # fmt: skip
    backward = impute_prices(gap_quotes([date(2020, 1, 31), date(2020, 3, 31)], [None, 3.0]), "carry_backward")
    assert backward.filter(product="a").select("period", "price", "age").rows() == [
        (date(2020, 1, 31), 3.0, 2), (date(2020, 2, 29), 3.0, 1), (date(2020, 3, 31), 3.0, 0)
    ]  # fmt: skip
    assert impute_prices(quotes, "carry_forward", calendar=["2020-10", "2020-11", "2021-01"]).height == 6


@pytest.mark.parametrize(
    "periods",
    [
        ["2020-01", "2020-02", "2020-05", "2020-06"],
        ["2020-W01", "2020-W02", "2020-W05", "2020-W06"],
        ["2019-Q1", "2019-Q2", "2020-Q1", "2020-Q2"],
        [1, 2, 30, 31],
        [202011, 202012, 202103, 202104],
        [date(2020, 1, 1), date(2020, 2, 1), date(2020, 5, 1), date(2020, 6, 1)],
        ["09", "10", "20", "21"],
    ],
    ids=str,
)
def test_a_missing_period_ends_a_chain_and_has_no_period_before(periods):
    quotes = gap_quotes(periods, [1.0, 2.0, 40.0, 80.0])
    only_a = quotes.filter(product="a")
    chained = bilateral_index(only_a, "jevons", "chained")
    assert chained["period"].to_list() == filled(*periods)
    known = dict(chained.select("period", "index").rows())
    assert [known[period] for period in periods] == [1.0, 2.0, None, None]
    assert chained["index"].null_count() == chained.height - 2
    steps = bilateral_index(only_a, "jevons", "previous_period")
    assert steps.drop_nulls("index").select("period", "index").rows() == [
        (periods[0], 1.0), (periods[1], 2.0), (periods[3], 2.0)
    ]  # fmt: skip
    money = bilateral_indicator(only_a, "bennet", "previous_period")
    assert money.drop_nulls("value_change")["value_change"].to_list() == [0.0, 1.0, 40.0]
    assert bilateral_index(only_a, "jevons")["period"].to_list() == periods  # of a fixed base
    for outcome in (
        relative_filter(quotes, factor=1.5),
        dump_filter(quotes.with_columns(price=1 / pl.col("price")), price_limit=0.6, expenditure_limit=0.6),
    ):
        assert outcome.filter(product="a")["kept"].to_list() == [True, False, True, False]
    bridged = relative_filter(quotes, factor=1.5, calendar=periods)
    assert bridged.filter(product="a")["kept"].to_list() == [True, False, False, False]
    small = quotes.with_columns(quantity=pl.when(pl.col("product") == "b").then(1e-9).otherwise(1.0))
    low = low_sales_filter(small, share_factor=1.9).filter(product="b")
    assert low["kept"].to_list() == [True, False, True, False]


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        (5, "calendar: found 5, expected a list of periods"),
        (True, "calendar: found True, expected a list of periods"),
        ("1245", "calendar: found '1245', expected a list of periods"),
        ({1: 2}, "calendar: found {1: 2}, expected a list of periods"),
        ({1, 2, 4, 5}, "expected a list of all periods in order"),
        ([1, 2, None, 4, 5], "calendar: found a null among the periods"),
        ([1, 2, "4", 5], "calendar: the periods are not all of one type"),
        ([1, 2, 3.5, 4, 5], "calendar: the periods are not all (Int64|of one type)"),
        ([[1], [2]], r"calendar: the periods are List\(Int64\), expected numbers, text, dates or another type"),
        ([object()], "calendar: the periods are Object"),
        (
            ["1", "2", "4", "5"],
            "calendar: period 1 of the (quotes|table) is missing; found 4 periods of type str, expected int",
        ),
        ([date(2020, 1, 1)], "period 1 of the (quotes|table) is missing; found 1 periods of type date, expected int"),
        (pl.DataFrame({"period": [1, 2, 4, 5]}), "expected a list of periods"),
        ([1, 2], "calendar: period 4 of the (quotes|table) is missing; found 2 periods"),
        ([], "calendar: period 1 of the (quotes|table) is missing; found 0 periods"),
        ([5, 4, 2, 1], "calendar: periods do not ascend"),
        ([1, 2, 2, 4, 5], "calendar: periods do not ascend; expected each once, in order"),
    ],
    ids=[
        "number",
        "truth value",
        "text",
        "mapping",
        "set",
        "null",
        "mixed",
        "fraction",
        "lists",
        "objects",
        "text periods",
        "dates",
        "frame",
        "too short",
        "empty",
        "descending",
        "repeated",
    ],
)
def test_a_calendar_that_is_none_is_refused_by_every_method(calendar, message):
    quotes = gap_quotes([1, 2, 4, 5], [1.0, 2.0, 3.0, 4.0])
    for compute in (
        lambda: bilateral_index(quotes, "jevons", calendar=calendar),
        lambda: bilateral_indicator(quotes, "bennet", calendar=calendar),
        lambda: multilateral_index(quotes, "geks_jevons", calendar=calendar),
        lambda: impute_prices(quotes, "carry_forward", calendar=calendar),
        lambda: relative_filter(quotes, calendar=calendar),
        lambda: rates(quotes.select("period", "price", node="product"), 1, column="price", calendar=calendar),
    ):
        with pytest.raises(ValueError, match=message):
            compute()


def test_calendars_of_every_kind_of_list_and_type():
    quotes = gap_quotes([1, 2, 4, 5], [1.0, 2.0, 3.0, 4.0])
    for calendar in ([1, 2, 4, 5], (1, 2, 4, 5), np.array([1, 2, 4, 5]), pl.Series([1, 2, 4, 5]), [1.0, 2.0, 4.0, 5.0]):
        table = bilateral_index(quotes, "jevons", calendar=calendar)
        assert table["period"].to_list() == [1, 2, 4, 5]
        assert table.schema["period"] == pl.Int64
    assert bilateral_index(quotes, "jevons", calendar=range(1, 7))["period"].to_list() == [1, 2, 3, 4, 5, 6]
    days = gap_quotes([date(2020, 1, 1), date(2020, 1, 3)], [1.0, 2.0])
    given = np.array(["2020-01-01", "2020-01-03"], dtype="datetime64[D]")
    for calendar in (given, list(given)):
        assert bilateral_index(days, "jevons", "chained", calendar=calendar)["index"].null_count() == 0
    months = gap_quotes([date(2020, 1, 1), date(2020, 3, 1)], [1.0, 2.0])
    given = np.array(["2020-01", "2020-02", "2020-03"], dtype="datetime64[M]")
    computed = multilateral_index(months, "geks_jevons", calendar=given)
    assert computed["index"].is_null().to_list() == [False, True, False]
    with pytest.raises(ValueError, match="calendar: found a null among the periods"):
        bilateral_index(days, "jevons", calendar=np.array(["NaT"], dtype="datetime64[M]"))
    with pytest.raises(ValueError, match=r"calendar: period 2020-01-01 of the quotes is missing; .* of type str"):
        bilateral_index(days, "jevons", calendar=["2020-01-01", "2020-01-03"])
    spring = pl.Enum(["Mar", "Apr", "May"])
    months = days.with_columns(period=pl.Series(["Mar", "May", "Mar", "May"], dtype=spring))
    with pytest.raises(ValueError, match="calendar: periods do not ascend"):
        bilateral_index(months, "jevons", calendar=["May", "Mar"])
    with pytest.raises(ValueError, match="calendar: the periods are not all Enum"):
        bilateral_index(months, "jevons", calendar=["Mar", "May", "Jun"])
    with pytest.raises(ValueError, match="base_periods: found 5, expected a list of periods"):
        multilateral_index(quotes, "geks_jevons", window=2, splice="fixed_base_moving", base_periods=5)


NO_LISTS = (None, 3, True, "2020-01", {2020: 1}, object(), pl.DataFrame({"p": [1]}), pl.LazyFrame({"p": [1]}), str)


@pytest.mark.parametrize("wrong", NO_LISTS, ids=[type(wrong).__name__ for wrong in NO_LISTS])
def test_readers_of_periods_take_lists(wrong):
    for read, name in (
        (months_of, "periods"),
        (lambda periods: period_calendar(periods, windowed=True), "observed"),
        (december_january_links, "periods"),
    ):
        with pytest.raises(ValueError, match=rf"{name}: found [^\n]*(, expected | in the list, expected )"):
            read(wrong)


def test_periods_are_listed_in_order():
    for unsorted in ([3, 1, 2], [date(2020, 3, 1), date(2020, 1, 1)], ["2020-03", "2020-01"], [1, 1, 2]):
        with pytest.raises(ValueError, match=r"observed: .* do not ascend; expected each period once, in order"):
            period_calendar(unsorted, windowed=True)
    for months in ([202011, 202012], np.array([202011, 202012]), pl.Series([202011, 202012]), (202011, 202012)):
        assert months_of(months) == [11, 12]
        assert period_calendar(months, windowed=True) == [202011, 202012]
    assert december_january_links(np.array(["2020-11", "2020-12"], dtype="datetime64[M]")) == [
        date(2020, 11, 1), date(2020, 12, 1),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="windowed is None, expected True or False"):
        period_calendar([1, 3], windowed=None)


def test_decembers():
    assert months_of([201911, 201912, 202001]) == [11, 12, 1]
    assert months_of(["2019-10", "2019-12", "2020-01"]) == [10, 12, 1]
    assert months_of([1, 2]) is None
    assert months_of([date(2019, 12, 10), date(2020, 1, 14), date(2020, 2, 11)]) == [12, 1, 2]  # second Tuesdays
    for periods in (
        ["2019-W51", "2019-W52"],
        ["2019-Q4", "2020-Q1"],
        [date(2019, 12, 2), date(2019, 12, 9), date(2020, 1, 6)],
        [date(2019, 12, 1), date(2019, 12, 2)],
        [20191201, 20191202],
        ["2019", "2020"],
        ["2019-12", "2020-12"],
        [201907, 201910, 202001],
        [date(2019, 7, 1), date(2019, 10, 1), date(2020, 1, 1)],
        [date(2019, 9, 30), date(2019, 12, 31), date(2020, 3, 31)],
        [date(2019, 12, 31), date(2020, 12, 31)],
        [date(2019, 12, 2), date(2020, 1, 7), date(2020, 4, 1)],  # no step known
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
