"""Rounded stocks and flows still balance."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.meters.methods.vacancy.rounding import round_balanced, round_expected

FLOWS = ["into", "out", "appeared", "disappeared"]
Quarters = list[tuple[int, int, int, int]]


def series(quarters: Quarters) -> pl.DataFrame:
    """Quarters with their flows; no more homes leave the stock than are in it."""
    rows, stock = [], 0
    for into, out, appeared, disappeared in quarters:
        left = min(out, stock)
        gone = min(disappeared, stock - left)
        stock += into - left + appeared - gone
        rows.append((stock, into, left, appeared, gone))
    return pl.DataFrame(rows, schema=["stock", *FLOWS], orient="row")


@settings(max_examples=60)
@given(
    st.lists(st.tuples(*[st.integers(0, 23)] * 4), min_size=1, max_size=8),
    st.sampled_from([1, 2, 3, 5, 10]),
)
def test_rounded_flows_balance_and_are_next_to_the_true_ones(quarters: Quarters, base: int) -> None:
    flows = series(quarters)
    rounded = round_balanced(flows, base)
    before = 0
    for true, row in zip(flows.iter_rows(named=True), rounded.iter_rows(named=True), strict=True):
        assert row["stock"] == before + row["into"] - row["out"] + row["appeared"] - row["disappeared"]
        assert abs(row["stock"] - true["stock"]) <= base / 2
        assert all(row[name] % base == 0 and row[name] >= 0 for name in ["stock", *FLOWS])
        assert all(abs(row[name] - true[name]) < base for name in FLOWS)
        before = row["stock"]


def test_rounding_by_hand() -> None:
    flows = pl.DataFrame({"stock": [2, 3], "into": [0, 2], "out": [0, 1], "appeared": [2, 0], "disappeared": [0, 0]})
    assert round_balanced(flows, 5).rows() == [(0, 0, 0, 0, 0), (5, 5, 0, 0, 0)]


def test_rows_that_do_not_balance_are_refused() -> None:
    flows = pl.DataFrame({"stock": [3], "into": [0], "out": [0], "appeared": [2], "disappeared": [0]})
    with pytest.raises(ValueError, match="flows, row 0: stock 3 is not the stock before, 0"):
        round_balanced(flows, 5)


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.floats(0, 23)] * 4), min_size=1, max_size=8), st.sampled_from([1, 5]))
def test_rounded_expected_flows_balance_and_are_next_to_the_true_ones(
    quarters: list[tuple[float, float, float, float]], base: int
) -> None:
    rows, stock = [], 0.0
    for into, out, appeared, disappeared in quarters:
        left = min(out, stock)
        gone = min(disappeared, stock - left)
        stock += into - left + appeared - gone
        rows.append((into, left, appeared, gone))
    flows = pl.DataFrame(rows, schema=[f"expected_{name}" for name in FLOWS], orient="row")
    rounded = round_expected(flows, base)
    before = 0
    for true, row in zip(flows.iter_rows(named=True), rounded.iter_rows(named=True), strict=True):
        change = row["expected_into"] - row["expected_out"] + row["expected_appeared"] - row["expected_disappeared"]
        assert row["expected_stock"] == before + change >= 0
        assert all(row[name] % base == 0 and abs(row[name] - true[name]) < base for name in flows.columns)
        before = row["expected_stock"]
    assert abs(before - stock) <= base / 2 + 1e-4
