"""Comparison of series: an example by hand, nulls with their reasons, and properties."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.comparison import series as comparison


def _series(
    name: str, values: list[float], *, frequency: str = "monthly", first: date = date(2016, 1, 1)
) -> pl.DataFrame:
    step = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}[frequency]
    periods = pl.select(
        pl.date_range(first, pl.lit(first).dt.offset_by(f"{len(values) - 1}{step[1:]}"), step)
    ).to_series()
    return pl.DataFrame({"period": periods, "index": values}).select(
        pl.lit("real").alias("data_origin"),
        pl.lit("division").alias("level"),
        pl.lit("01").alias("code"),
        pl.lit("shelf").alias("scope"),
        pl.lit(name).alias("series"),
        pl.lit(frequency).alias("frequency"),
        "period",
        "index",
    )


def test_an_example_by_hand() -> None:
    a, b = _series("a", [100.0, 110.0, 99.0, 105.0]), _series("b", [50.0, 54.0, 51.0, 51.5])
    (row,) = comparison.compare_methods(pl.concat([a, b])).to_dicts()
    differences = np.array([110 - 108, 99 - 102, 105 - 103])
    assert (row["left_series"], row["right_series"], row["periods"], row["frequency"]) == ("a", "b", 4, "monthly")
    assert (row["left_last_index"], row["right_last_index"]) == pytest.approx((105.0, 103.0))
    assert row["mean_difference"] == pytest.approx(differences.mean())
    assert row["root_mean_square_difference"] == pytest.approx(np.sqrt((differences**2).mean()))
    assert row["largest_difference"] == pytest.approx(3.0)
    assert row["correlation"] == pytest.approx(np.corrcoef([100, 110, 99, 105], [100, 108, 102, 103])[0, 1])
    rates = np.array([[10, -10, 100 * (105 / 99 - 1)], [8, 100 * (51 / 54 - 1), 100 * (51.5 / 51 - 1)]])
    assert row["mean_rate_difference"] == pytest.approx((rates[0] - rates[1]).mean())
    assert row["correlation_of_rates"] == pytest.approx(np.corrcoef(rates)[0, 1])
    assert (row["left_turning_points"], row["right_turning_points"], row["shared_turning_points"]) == (2, 2, 2)
    assert row["annual_rate_difference"] is None
    assert row["reason"] == "annual rates need common periods a year apart"


def test_annual_rates_where_the_series_are_long_enough() -> None:
    a, b = _series("a", [100.0 * 1.01**t for t in range(14)]), _series("b", [100.0] * 14)
    (row,) = comparison.compare_methods(pl.concat([a, b])).to_dicts()
    assert row["annual_rate_difference"] == pytest.approx(100 * (1.01**12 - 1))
    assert row["correlation"] is None
    assert "does not move" in row["reason"]


@pytest.mark.parametrize(
    ("months", "reason"),
    [(0, "0 common periods"), (1, "1 common periods"), (2, "no correlation and no turning points")],
)
def test_short_series_give_null_with_a_reason(months: int, reason: str) -> None:
    a, b = _series("a", [100.0, 101.0, 102.0]), _series("b", [100.0] * 5, first=date(2016, 4 - months, 1))
    (row,) = comparison.compare_with_official(a, b).to_dicts()
    assert row["periods"] == months
    assert row["correlation"] is None and reason in row["reason"]


def test_daily_figures_are_averaged_to_the_coarser_frequency() -> None:
    daily = _series("d", [100.0] * 31 + [121.0] * 10 + [100.0] * 5, frequency="daily")  # January; 15 days of February
    monthly = comparison.at_frequency(daily, "monthly")
    assert monthly.select("period", "index").rows() == [
        (date(2016, 1, 1), pytest.approx(100.0)),
        (date(2016, 2, 1), pytest.approx(100 * 1.21 ** (10 / 15))),
    ]
    assert comparison.at_frequency(daily.head(45), "monthly")["period"].to_list() == [date(2016, 1, 1)]  # 14 of 29
    (row,) = comparison.compare_methods(pl.concat([daily, _series("m", [100.0, 110.0])])).to_dicts()
    assert (row["frequency"], row["periods"]) == ("monthly", 2)
    weekly = comparison.at_frequency(daily, "weekly")
    assert weekly["period"].to_list()[0] == date(2016, 1, 4)  # 1 to 3 January are less than half a week
    assert all(period.weekday() == 0 for period in weekly["period"])


def test_series_of_two_frequencies_are_compared_once_at_the_coarser() -> None:
    rows = [
        _series("d", [100.0 + t % 5 for t in range(70)], frequency="daily"),
        _series("e", [100.0 + t % 4 for t in range(70)], frequency="daily"),
        _series("w", [100.0 + t for t in range(9)], frequency="weekly", first=date(2016, 1, 4)),
    ]
    computed = comparison.compare_methods(pl.concat(rows))
    assert computed.select("left_series", "right_series", "frequency").sort("right_series").rows() == [
        ("d", "e", "daily"),
        ("d", "w", "weekly"),
        ("e", "w", "weekly"),
    ]


def test_levels_and_rates_are_side_by_side() -> None:
    ours = _series("ours", [100.0, 102.0, 101.0])
    official = _series("official", [210.0, 205.0], first=date(2016, 2, 1)).with_columns(scope=pl.lit("official"))
    levels = comparison.compared_indices(ours, official)
    assert levels["left_index"].to_list() == pytest.approx([100.0, 100 * 101 / 102])
    assert levels["right_index"].to_list() == pytest.approx([100.0, 100 * 205 / 210])
    assert levels["left_monthly_rate"].to_list() == [None, pytest.approx(100 * (101 / 102 - 1))]
    assert levels["left_annual_rate"].null_count() == 2
    assert levels["reason"][0] == "the month before is not common; the same month a year before is not common"


def test_official_figures_are_compared_with_every_scope_of_the_same_code() -> None:
    ours = pl.concat([_series("x", [100.0, 102.0]), _series("x", [100.0, 99.0]).with_columns(scope=pl.lit("target"))])
    official = pl.concat([_series("o", [100.0, 101.0]), _series("o", [1.0, 2.0]).with_columns(code=pl.lit("02"))])
    computed = comparison.compare_with_official(ours, official.with_columns(scope=pl.lit("official")))
    assert computed.select("scope", "code", "left_series", "right_series").rows() == [
        ("shelf", "01", "x", "o"),
        ("target", "01", "x", "o"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 1, 3], [(1, 1), (2, -1)]),
        ([1, 2, 2, 1], [(2, 1)]),  # the end of a plateau
        ([1, 1 + 1e-15, 1], []),  # rounding
        ([1, 2, 3], []),
        ([1], []),
    ],
)
def test_turning_points(values: list[float], expected: list[tuple[int, int]]) -> None:
    assert comparison.turning_points(np.array(values, dtype=np.float64)) == expected


def test_bad_series_are_refused_with_their_fault() -> None:
    good = _series("a", [100.0, 101.0])
    with pytest.raises(ValueError, match="series: 2 with a period twice"):
        comparison.compare_methods(pl.concat([good, good.head(1)]))
    with pytest.raises(ValueError, match="an index that is not positive"):
        comparison.compare_methods(_series("a", [100.0, -1.0]))
    with pytest.raises(ValueError, match="unknown frequency 'yearly'; known: daily, weekly, monthly"):
        comparison.at_frequency(good, "yearly")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(50, 200), min_size=3, max_size=20), st.floats(0.1, 10))
def test_a_series_on_another_base_is_the_same_series(values: list[float], factor: float) -> None:
    left = np.array(values)
    ordinals = np.arange(len(values))
    computed = comparison.pair_statistics(left, left * factor, ordinals, a_year=12)
    assert computed["largest_difference"] < 1e-9
    assert computed["shared_turning_points"] == computed["left_turning_points"] == computed["right_turning_points"]
    if computed["correlation"] is not None and np.ptp(left) > 1e-3:
        assert computed["correlation"] == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(50, 200), st.floats(50, 200)), min_size=3, max_size=20))
def test_swapping_a_pair_changes_the_sign_of_the_differences(pairs: list[tuple[float, float]]) -> None:
    left, right = np.array(pairs).T
    ordinals = np.arange(len(pairs))
    there, back = (comparison.pair_statistics(a, b, ordinals, a_year=12) for a, b in ((left, right), (right, left)))
    assert there["mean_difference"] == pytest.approx(-back["mean_difference"], abs=1e-9)
    assert there["root_mean_square_difference"] == pytest.approx(back["root_mean_square_difference"])
    assert there["shared_turning_points"] == back["shared_turning_points"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.none() | st.floats(50, 200), min_size=6, max_size=6), min_size=2, max_size=5))
def test_pairs_that_are_computed_together_are_those_one_by_one(series: list[list[float | None]]) -> None:
    values = np.array([[np.nan if value is None else value for value in row] for row in series])
    months = [date(2016, month, 1) for month in range(1, 7)]
    rows = [
        ("real", "item", "1", "shelf", f"series {n}", "monthly", month, value)
        for n, row in enumerate(series)
        for month, value in zip(months, row, strict=True)
    ]
    schema = ["data_origin", "level", "code", "scope", "series", "frequency", "period", "index"]
    frame = pl.DataFrame(rows, schema=schema, orient="row").cast({"index": pl.Float64})
    for row in comparison.compare_methods(frame).iter_rows(named=True):
        left, right = (values[int(row[f"{side}_series"].split()[1])] for side in ("left", "right"))
        alone = comparison.pair_statistics(left, right, np.arange(6), a_year=12)
        for name, value in alone.items():
            expected = value if value is None or isinstance(value, str) else pytest.approx(value, abs=1e-12)
            assert row[name] == expected, name


def test_periods_around_a_gap_have_no_rate() -> None:
    """Rates over a missing month are no monthly rates."""
    gap = _series("a", [100.0, 110.0, 120.0]).filter(pl.col("period") != date(2016, 2, 1))
    other = _series("b", [100.0, 100.0, 100.0])
    (row,) = comparison.compare_methods(pl.concat([gap, other])).to_dicts()
    assert row["periods"] == 2 and row["mean_rate_difference"] is None
    assert date(2016, 1, 1) + timedelta(days=60) == row["last_period"]
