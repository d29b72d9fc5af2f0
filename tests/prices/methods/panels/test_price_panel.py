"""The price panel: contents, refused quotes, and that no quote is lost."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.panels.price_panel import price_panel

quickly = settings(max_examples=40, deadline=None)

QUOTES = pl.DataFrame(
    {
        "period": [2, 1, 1],
        "product": ["tea", "tea", "milk"],
        "price": [3.0, 2.0, 1.0],
        "quantity": [5.0, 4.0, 6.0],
    }
)


def with_row(**row: object) -> pl.DataFrame:
    """`QUOTES` and one more row."""
    return pl.concat([QUOTES, pl.DataFrame({name: [value] for name, value in row.items()})], how="diagonal_relaxed")


# --- examples by hand ---


def test_three_quotes_by_hand():
    panel = price_panel(QUOTES, quantity="quantity")
    assert panel.periods == [1, 2]
    assert panel.products == ["milk", "tea"]
    assert panel.prices.tolist() == [[1.0, 2.0], [0.0, 3.0]]
    assert panel.quantities is not None
    assert panel.quantities.tolist() == [[6.0, 4.0], [0.0, 5.0]]
    assert panel.presence.tolist() == [[True, True], [False, True]]
    assert (panel.prices.dtype, panel.quantities.dtype, panel.presence.dtype) == (np.float64, np.float64, np.bool_)


def test_without_quantities_and_with_other_names():
    renamed = QUOTES.rename({"period": "month", "product": "id", "price": "gbp"})
    panel = price_panel(renamed, period="month", product="id", price="gbp")
    assert panel.quantities is None
    assert panel.prices.tolist() == [[1.0, 2.0], [0.0, 3.0]]


def test_days_whole_numbers_and_decimals():
    frame = pl.DataFrame(
        {"period": [date(2016, 7, 2), date(2016, 7, 1)], "product": [7, 3], "price": [Decimal("1.10"), Decimal("2.50")]}
    )
    panel = price_panel(frame)
    assert panel.periods == [date(2016, 7, 1), date(2016, 7, 2)]
    assert panel.products == [3, 7]
    assert panel.prices.tolist() == [[2.5, 0.0], [0.0, 1.1]]
    assert price_panel(frame.with_columns(price=pl.Series([3, 4]))).prices.tolist() == [[4.0, 0.0], [0.0, 3.0]]


def test_the_arrays_are_read_only():
    panel = price_panel(QUOTES, quantity="quantity")
    assert panel.quantities is not None
    for matrix in (panel.prices, panel.quantities, panel.presence):
        with pytest.raises(ValueError, match="read-only"):
            matrix[0, 0] = 9


def test_no_quotes():
    panel = price_panel(QUOTES.clear(), quantity="quantity")
    assert (panel.periods, panel.products, panel.prices.shape, panel.presence.shape) == ([], [], (0, 0), (0, 0))


# --- duplicates ---


def test_duplicates_are_a_fault_or_a_unit_value():
    # Tea in period 1: 4 at 2.00 and 12 at 1.00, that is 16 at 20/16.
    frame = with_row(period=1, product="tea", price=1.0, quantity=12.0)
    with pytest.raises(ValueError, match=r"1 with a product that has an earlier row in the period; .*period 1.*tea"):
        price_panel(frame, quantity="quantity")
    panel = price_panel(frame, quantity="quantity", duplicates="unit_value")
    assert panel.quantities is not None
    assert panel.prices.tolist() == [[1.0, 1.25], [0.0, 3.0]]
    assert panel.quantities.tolist() == [[6.0, 16.0], [0.0, 5.0]]
    # Without quantities: the mean price.
    assert price_panel(frame, duplicates="unit_value").prices.tolist() == [[1.0, 1.5], [0.0, 3.0]]


def test_a_single_quote_keeps_its_price_to_the_last_digit():
    # 0.7·3/3 is not 0.7 in floating point.
    frame = pl.DataFrame(
        {"period": [1, 1, 1], "product": ["a", "b", "b"], "price": [0.7, 1.0, 2.0], "quantity": [3.0, 1.0, 1.0]}
    )
    assert 0.7 * 3 / 3 != 0.7
    assert price_panel(frame, quantity="quantity", duplicates="unit_value").prices[0, 0] == 0.7


# --- what is missing ---


@pytest.mark.parametrize(
    ("price", "quantity"), [(None, 1.0), (1.0, None), (1.0, 0.0), (None, None), (None, 0.0)], ids=str
)
def test_a_missing_quote_is_a_fault_or_an_absent_product(price, quantity):
    frame = with_row(period=3, product="salt", price=price, quantity=quantity)
    with pytest.raises(ValueError, match=r"1 with a .*(price|quantity).*period 3, product salt"):
        price_panel(frame, quantity="quantity")
    panel = price_panel(frame, quantity="quantity", missing="absent")
    # Its period and product stay, with nothing in them.
    assert (panel.periods, panel.products) == ([1, 2, 3], ["milk", "salt", "tea"])
    assert panel.quantities is not None
    assert panel.prices[2].tolist() == panel.quantities[2].tolist() == panel.prices[:, 1].tolist() == [0.0] * 3
    assert not panel.presence[2].any()
    assert not panel.presence[:, 1].any()


def test_a_column_of_nulls_is_read():
    frame = QUOTES.with_columns(price=pl.lit(None))
    assert not price_panel(frame, missing="absent").presence.any()


@pytest.mark.parametrize("missing", ["error", "absent"])
@pytest.mark.parametrize(
    ("column", "fault"),
    [
        *((column, fault) for column in ("price", "quantity") for fault in (math.nan, math.inf, -math.inf, -1.0)),
        ("price", 0.0),
    ],
    ids=str,
)
def test_faults_are_refused_by_name(column, fault, missing):
    frame = with_row(**({"period": 3, "product": "salt", "price": 1.0, "quantity": 1.0} | {column: fault}))
    text = str(fault).replace("nan", "NaN")
    expected = rf"quotes: 1 with a {column} that is not finite and .*period 3, product salt.*{column} {text}"
    with pytest.raises(ValueError, match=f"(?i){expected}"):
        price_panel(frame, quantity="quantity", missing=missing)


@pytest.mark.parametrize("column", ["period", "product"])
def test_a_null_key_is_refused(column):
    frame = with_row(**({"period": 3, "product": "salt", "price": 1.0, "quantity": 1.0} | {column: None}))
    with pytest.raises(ValueError, match=rf"1 with a null in {column}; the first: .*{column} None"):
        price_panel(frame)


def test_floats_are_keys_if_they_are_finite():
    as_floats = QUOTES.with_columns(pl.col("period").cast(pl.Float64), product=pl.Series([2.5, 2.5, 1.0]))
    panel = price_panel(as_floats)
    assert (panel.periods, panel.products) == ([1.0, 2.0], [1.0, 2.5])
    assert panel.prices.tolist() == price_panel(QUOTES).prices.tolist()
    with pytest.raises(ValueError, match="1 with a period that is not finite; the first: period nan"):
        price_panel(as_floats.with_columns(period=pl.Series([1.0, math.nan, 2.0])))


def test_columns_and_options_that_are_not_there():
    with pytest.raises(ValueError, match="column cost is missing; found period, product, price, quantity"):
        price_panel(QUOTES, price="cost")
    with pytest.raises(ValueError, match="column price is String, expected numbers"):
        price_panel(QUOTES.with_columns(pl.col("price").cast(pl.String)))
    with pytest.raises(ValueError, match=r"column period is List\(Int64\), expected numbers, text, dates"):
        price_panel(QUOTES.with_columns(pl.concat_list("period")))
    with pytest.raises(ValueError, match="unknown duplicates 'mean'; known: error, unit_value"):
        price_panel(QUOTES, duplicates="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown missing 'skip'; known: error, absent"):
        price_panel(QUOTES, missing="skip")  # type: ignore[arg-type]


# --- properties ---

CELLS = st.dictionaries(
    st.tuples(st.integers(1, 6), st.sampled_from("abcde")),
    st.tuples(st.floats(0.01, 1e6), st.floats(0.01, 1e6)),
    max_size=30,
)


def frame_of(cells: dict[tuple[int, str], tuple[float, float]]) -> pl.DataFrame:
    rows = [(*key, *values) for key, values in cells.items()]
    return pl.DataFrame(rows, schema=QUOTES.schema, orient="row")


@quickly
@given(CELLS)
def test_the_panel_holds_exactly_the_quotes(cells):
    panel = price_panel(frame_of(cells), quantity="quantity")
    assert panel.quantities is not None
    computed = {
        (panel.periods[t], panel.products[i]): (panel.prices[t, i], panel.quantities[t, i])
        for t, i in np.argwhere(panel.presence)
    }
    assert computed == cells
    assert panel.periods == sorted({t for t, _ in cells})
    assert panel.products == sorted({i for _, i in cells})
    assert not panel.prices[~panel.presence].any()
    assert not panel.quantities[~panel.presence].any()


@quickly
@given(CELLS, st.randoms(use_true_random=False), st.floats(0.05, 0.95))
def test_a_split_quote_is_merged_and_the_order_does_not_matter(cells, random, part):
    whole = frame_of(cells)
    parts = [whole.with_columns(pl.col("quantity") * share) for share in (part, 1 - part)]
    order = list(range(2 * whole.height))
    random.shuffle(order)
    split = price_panel(pl.concat(parts)[order], quantity="quantity", duplicates="unit_value")
    panel = price_panel(whole, quantity="quantity")
    assert (split.periods, split.products) == (panel.periods, panel.products)
    assert split.quantities is not None
    assert panel.quantities is not None
    np.testing.assert_allclose(split.prices, panel.prices, rtol=1e-13)
    np.testing.assert_allclose(split.quantities, panel.quantities, rtol=1e-13)
