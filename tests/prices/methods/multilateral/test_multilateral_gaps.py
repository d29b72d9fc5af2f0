"""Multilateral indices where products or periods are missing: no overlap, gaps, calendars, one period, none."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from tests.prices.methods.random_panels import COLUMNS, WAYS, every_way, index, split_quotes


@every_way
def test_an_unlinked_part_is_null_with_a_reason(method, options):
    table = multilateral_index(split_quotes(), method, quantity="quantity", **options)
    assert table["index"].to_list() == [1.0, pytest.approx(2.0, rel=1e-14), None, None]
    assert table["reason"].to_list()[2:] == [f"no chain of shared products links period {t} to 0" for t in (2, 3)]


def test_geks_needs_every_pair_unless_least_squares_is_chosen():
    # 0-1 share a (×2), 1-2 share b (×3), 0-2 nothing.
    rows = [(0, "a", 1.0, 1.0), (1, "a", 2.0, 1.0), (1, "b", 1.0, 1.0), (2, "b", 3.0, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, "geks_fisher", quantity="quantity")
    assert table["index"].to_list() == [None, None, None]
    assert set(table["reason"]) == {
        "periods 0 and 2 have no bilateral index, which GEKS needs of each pair in the window"
    }
    computed = index(quotes, "geks_fisher", incomplete="least_squares")
    assert computed == pytest.approx([1.0, 2.0, 6.0], rel=1e-14)
    assert index(quotes, "time_product_dummy") == pytest.approx([1.0, 2.0, 6.0], rel=1e-14)
    assert index(quotes, "geary_khamis") == pytest.approx([1.0, 2.0, 6.0], rel=1e-14)


@pytest.mark.parametrize(("method", "options"), [WAYS[4], WAYS[6]])
@pytest.mark.parametrize("small", [1e-6, 1e-40])
def test_a_link_of_small_expenditure_is_not_lost(method, options, small):
    # b alone links period 0 to the others, with an expenditure that is nothing beside what links them.
    rows = [(0, "a", 9.0, 1.0), (0, "b", 1.0, small), (1, "b", 2.0, small), (1, "c", 1.0, 1.0), (2, "c", 1.5, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    assert index(quotes, method, **options) == pytest.approx([1.0, 2.0, 3.0], rel=1e-14)


@pytest.mark.parametrize(("method", "options"), [WAYS[4], WAYS[6]])
def test_a_link_of_expenditure_0_is_null(method, options):
    # The product of price and quantity is below the smallest number there is.
    rows = [(0, "a", 9.0, 1.0), (0, "b", 1e-200, 1e-200), (1, "b", 2e-200, 1e-200), (1, "c", 1.0, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, method, quantity="quantity", **options)
    assert table["index"].to_list() == [None, None]
    assert all("singular" in reason for reason in table["reason"])


def test_a_month_without_quotes_does_not_shift_the_window():
    days = [date(2020 + m // 12, m % 12 + 1, 1) for m in range(10)]
    rows = [(day, "a", 1.0 + k, 1.0) for k, day in enumerate(days) if k != 6]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, "geks_jevons", window=4, splice="movement")
    assert table["period"].to_list() == days
    assert table["period"].dtype == pl.Date
    assert table["index"].to_list() == [pytest.approx(1.0 + k) if k != 6 else None for k in range(10)]
    assert table["reason"][6] == "no product in period 2020-07-01"
    # With a window of 2 the month before the gap is out of reach.
    table = multilateral_index(quotes, "geks_jevons", window=2, splice="movement")
    assert table["index"].to_list()[6:] == [None] * 4


def test_only_a_window_asks_for_the_periods_between():
    def periods(days, **options):
        quotes = pl.DataFrame({"period": days, "product": "a", "price": 1.0})
        return multilateral_index(quotes, "geks_jevons", **options)["period"].to_list()

    movement = {"window": 2, "splice": "movement"}
    weeks = [date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 22)]
    every_week = pl.date_range(weeks[0], weeks[-1], "1w", eager=True)
    assert periods(weeks) == weeks
    assert periods(weeks, **movement) == periods(weeks, **movement, calendar=every_week) == every_week.to_list()
    assert periods(weeks, **movement, calendar=weeks) == weeks
    assert periods([3, 6]) == [3, 6]
    assert periods([3, 5, 6], **movement) == [3, 4, 5, 6]
    assert periods(["x", "b"]) == ["b", "x"]
    with pytest.raises(ValueError, match="calendar is missing: the periods, as 'b', read neither as months"):
        periods(["x", "b"], window=2)
    assert periods(["x", "b"], window=2, calendar=["b", "x"]) == ["b", "x"]
    with pytest.raises(ValueError, match=r"calendar is missing: the periods, as 0\.5, are float"):
        periods([0.5, 2.0], window=2)
    with pytest.raises(ValueError, match="period 2024-01-22 of the quotes is missing"):
        periods(weeks, calendar=weeks[:2])
    with pytest.raises(ValueError, match="periods do not ascend"):
        periods(weeks, calendar=[*weeks, weeks[0]])


def renamed(quotes: pl.DataFrame, periods: list) -> pl.DataFrame:
    return quotes.with_columns(period=pl.Series([periods[t] for t in quotes["period"]]))


MONTHS = [(2019 + m // 12, m % 12 + 1) for m in range(7, 16)]
NAMES = {
    "YYYYMM": [100 * y + m for y, m in MONTHS],
    "YYYYMMDD": [10_000 * y + 100 * m + 1 for y, m in MONTHS],
    "text": [f"{y}-{m:02}" for y, m in MONTHS],
    "months": [date(y, m, 1) for y, m in MONTHS],
    "datetimes": [datetime.combine(date(y, m, 1), time(9, 30)) for y, m in MONTHS],
    "quarters": [date(2019 + q // 4, q % 4 * 3 + 1, 1) for q in range(9)],
    "years": [date(2010 + y, 1, 1) for y in range(9)],
    "weeks": [date(2023, 12, 4) + timedelta(days=7 * w) for w in range(9)],
    "days": [date(2023, 12, 28) + timedelta(days=d) for d in range(9)],
    "floats": [float(t) for t in range(9)],
    "ISO weeks": [202350, 202351, 202352, 202401, 202402, 202403, 202404, 202405, 202406],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_window_counts_the_same_whatever_the_periods_are_called(name):
    # 9 periods, of which the fifth has no quotes.
    random = np.random.default_rng(3)
    rows = [(t, f"p{n}", float(random.lognormal()), 1.0) for t in range(9) if t != 4 for n in range(4)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    options = {"window": 5, "splice": "movement"}
    expected = multilateral_index(quotes, "geks_jevons", **options)
    computed = multilateral_index(renamed(quotes, NAMES[name]), "geks_jevons", **options)
    assert computed["period"].to_list() == NAMES[name]
    assert computed["index"].to_list() == expected["index"].to_list()
    assert computed["index"].null_count() == 1


@pytest.mark.parametrize("name", ["YYYYMM", "text", "datetimes"])
def test_decembers_are_known_by_their_names(name):
    quotes = pl.DataFrame({"period": range(9), "product": "a", "price": [1.0 + t for t in range(9)]})
    options = {"splice": "fixed_base_expanding", "expanding": "fbew_december"}
    computed = multilateral_index(renamed(quotes, NAMES[name]), "geks_jevons", **options)
    given = multilateral_index(renamed(quotes, NAMES[name]), "geks_jevons", **options, base_periods=[NAMES[name][4]])
    assert computed.equals(given)


def test_no_quotes_give_no_rows():
    quotes = pl.DataFrame(schema={"period": pl.Date, "product": pl.String, "price": pl.Float64, "quantity": pl.Float64})
    for method, options in WAYS:
        table = multilateral_index(quotes, method, quantity="quantity", **options)
        assert table.schema == {"period": pl.Date, "index": pl.Float64, "reason": pl.String}
        assert table.is_empty()
    options = {"window": 2, "splice": "fixed_base_moving", "first_value": "window_end"}
    for bases in ({}, {"base_periods": [date(2020, 12, 1)]}):
        assert multilateral_index(quotes, "geks_jevons", **options, **bases).is_empty()


def test_one_period_is_1_in_every_way():
    for method, options in WAYS:
        assert index(split_quotes().head(1), method, **options) == [1.0]


def test_a_gap_is_a_gap_whatever_its_length():
    movement = {"window": 3, "splice": "movement"}
    for periods, known in (([1, 2, 3, 6, 7], 3), ([1, 2, 3, 20, 21], 3), ([1, 2, 3, 5, 6], 5)):
        quotes = pl.DataFrame({"period": periods, "product": "a", "price": [1.0 + p for p in periods]})
        table = multilateral_index(quotes, "geks_jevons", **movement)
        assert table["period"].to_list() == list(range(1, periods[-1] + 1))
        # A gap of W - 1 periods or more ends the series; a shorter one is bridged by the window that spans it.
        values = [(1.0 + p) / 2 if p in periods and (p <= 3 or known > 3) else None for p in range(1, periods[-1] + 1)]
        assert table["index"].to_list() == pytest.approx(values)
        assert table.filter(pl.col("index").is_null())["reason"].null_count() == 0
        given = multilateral_index(quotes, "geks_jevons", calendar=periods, **movement)
        assert given["index"].null_count() == 0


def test_decembers_are_bases_of_months_alone():
    weeks = [date(2023, 11, 27) + timedelta(days=7 * n) for n in range(20)]
    days = [date(2023, 11, 27) + timedelta(days=n) for n in range(60)]
    for periods in (weeks, days, [f"2023-W{n}" for n in range(40, 53)], ["2023-Q3", "2023-Q4", "2024-Q1", "2024-Q2"]):
        quotes = pl.DataFrame({"period": periods, "product": "a", "price": [1.0 + n for n in range(len(periods))]})
        fbew = {"splice": "fixed_base_expanding", "expanding": "fbew_december"}
        for options in (fbew, {"splice": "fixed_base_moving", "window": 3}):
            with pytest.raises(ValueError, match=r"base_periods is missing: .* are no months; give base_periods"):
                multilateral_index(quotes, "geks_jevons", **options)
            table = multilateral_index(quotes, "geks_jevons", base_periods=[periods[1]], **options)
            assert table["period"].to_list() == periods
    tuesdays = [date(2023, 11, 14), date(2023, 12, 12), date(2024, 1, 9), date(2024, 2, 13)]
    quotes = pl.DataFrame({"period": tuesdays, "product": "a", "price": [1.0, 2.0, 3.0, 4.0]})
    computed = multilateral_index(quotes, "geks_jevons", **fbew)
    assert computed.equals(multilateral_index(quotes, "geks_jevons", base_periods=tuesdays[1:2], **fbew))
