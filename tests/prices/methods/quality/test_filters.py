"""Filters of quotes: each by hand, limits, and that rows are marked and never lost."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.quality.filters import combined, dump_filter, low_sales_filter, relative_filter

quickly = settings(max_examples=30, deadline=None)
COLUMNS = ["period", "product", "price", "quantity"]


def quotes_of(rows: list[tuple[int, str, float, float]]) -> pl.DataFrame:
    schema = {"period": pl.Int64, "product": pl.String, "price": pl.Float64, "quantity": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


# a is sold off; b is cheap but sells; c sells little at its price; d is new.
QUOTES = quotes_of(
    [
        *((1, "a", 10.0, 10.0), (1, "b", 10.0, 10.0), (1, "c", 10.0, 10.0)),
        *((2, "a", 4.0, 2.0), (2, "b", 4.0, 90.0), (2, "c", 9.0, 1.0), (2, "d", 1.0, 1.0)),
    ]
)


def out(table: pl.DataFrame) -> list[str]:
    assert (table["kept"] == table["reason"].is_null()).all()
    return table.filter(~pl.col("kept"))["product"].to_list()


def test_the_dump_filter_asks_for_both_falls():
    table = dump_filter(QUOTES, price_limit=0.5, expenditure_limit=0.2)
    assert out(table) == ["a"]
    assert set(table["reason"]) == {None, "dumped"}
    assert table.select(COLUMNS).equals(QUOTES)
    assert out(dump_filter(QUOTES, price_limit=0.4, expenditure_limit=0.2)) == []  # ×0.4 is not below it
    assert out(dump_filter(QUOTES, price_limit=0.5, expenditure_limit=0.08)) == []  # nor is 8 of 100


def test_the_low_sales_filter_by_hand():
    # Shares of a, b, c: ⅓ each, then 8, 360 and 9 of 377. Means .177, .644, .179; the limit 1/(3 · 1.25) = .267.
    assert out(low_sales_filter(QUOTES)) == ["a", "c"]
    assert out(low_sales_filter(QUOTES, share_factor=1.87)) == ["a"]  # .1783
    assert out(low_sales_filter(QUOTES, share_factor=2.0)) == []  # .1667


def test_extreme_relatives():
    quotes = quotes_of(
        [(1, "a", 1, 1), (1, "b", 1, 1), (1, "c", 3, 1), (2, "a", 3.01, 1), (2, "b", 3, 1), (2, "c", 0.9, 1)]
    )
    assert out(relative_filter(quotes)) == ["a", "c"]
    assert out(relative_filter(quotes, factor=3.5)) == []
    # A product compares with the period before only: after a gap it is kept.
    later = quotes_of([(1, "a", 1, 1), (2, "b", 1, 1), (3, "a", 9, 1)])
    assert out(relative_filter(later)) == []


def test_a_product_that_fell_out_may_return():
    rows = [(1, "a", 1.0, 1.0), (2, "a", 9.0, 1.0), (3, "a", 9.0, 1.0)]
    assert relative_filter(quotes_of(rows))["kept"].to_list() == [True, False, True]


def test_filters_are_independent_and_combined_reasons_are_all_named():
    each = [dump_filter(QUOTES, price_limit=0.5, expenditure_limit=0.2), low_sales_filter(QUOTES)]
    table = combined(each)
    assert table.filter(pl.col("period") == 2).select("product", "kept", "reason").rows() == [
        ("a", False, "dumped; low_sales"),
        ("b", True, None),
        ("c", False, "low_sales"),
        ("d", True, None),
    ]
    with pytest.raises(ValueError, match="no filters given"):
        combined([])


def test_refused():
    with pytest.raises(ValueError, match="price_limit: found 2, expected above 0, at most 1"):
        dump_filter(QUOTES, price_limit=2, expenditure_limit=0.2)
    with pytest.raises(ValueError, match="share_factor: found 0"):
        low_sales_filter(QUOTES, share_factor=0)
    with pytest.raises(ValueError, match="factor: found 1, expected above 1"):
        relative_filter(QUOTES, factor=1)
    with pytest.raises(ValueError, match="quotes: column quantity is missing"):
        low_sales_filter(QUOTES.drop("quantity"))
    with pytest.raises(ValueError, match="price that is not positive and finite; the first: period 1, product a"):
        relative_filter(QUOTES.with_columns(price=pl.lit(0.0)))
    for column, value, apply in (
        ("price", None, relative_filter),
        ("price", float("nan"), relative_filter),
        ("quantity", None, low_sales_filter),
    ):
        with pytest.raises(ValueError, match=f"a {column} that is .*; the first: period 1, product a"):
            apply(QUOTES.with_columns(pl.lit(value, pl.Float64).alias(column)))
    with pytest.raises(ValueError, match="quotes: column price is String, expected numbers"):
        relative_filter(QUOTES.cast({"price": pl.String}))
    with pytest.raises(ValueError, match="a product that occurs before in the period"):
        relative_filter(pl.concat([QUOTES, QUOTES]))


@quickly
@given(st.integers(0, 9_999), st.integers(0, 99), st.floats(0.1, 9))
def test_no_row_is_lost_and_order_and_money_do_not_matter(seed, shuffle, k):
    random = np.random.default_rng(seed)
    cells = [(t, n) for t in range(4) for n in "abcd" if random.random() < 0.7]
    quotes = quotes_of([(t, n, *np.exp(random.normal(size=2)).tolist()) for t, n in cells])
    for apply in (
        lambda q: dump_filter(q, price_limit=0.7, expenditure_limit=0.5),
        low_sales_filter,
        lambda q: relative_filter(q, factor=1.5),
    ):
        table = apply(quotes)
        assert table.select(COLUMNS).equals(quotes)
        other = quotes.with_columns(price=pl.col("price") * k).sample(fraction=1.0, shuffle=True, seed=shuffle)
        again = apply(other).sort("period", "product")
        assert again["kept"].to_list() == table.sort("period", "product")["kept"].to_list()
