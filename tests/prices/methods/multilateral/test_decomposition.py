"""Factors by product whose product is the index: by hand, and exact on random panels with gaps."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings

from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.bilateral.registry import DECOMPOSABLE
from ons_bigdata.prices.methods.multilateral.decomposition import bilateral_decomposition, geks_decomposition
from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from tests.prices.methods.random_panels import COLUMNS, panels

quickly = settings(max_examples=8, deadline=None)

# Tea doubles, bread stays at 4. Expenditures 3 + 12, then 2 + 20.
TWO = pl.DataFrame(
    [(1, "tea", 1.0, 3.0), (1, "bread", 4.0, 3.0), (2, "tea", 2.0, 1.0), (2, "bread", 4.0, 5.0)],
    schema=COLUMNS, orient="row",
)  # fmt: skip


def test_a_tornqvist_by_hand():
    table = bilateral_decomposition(TWO, "tornqvist", 1, 2, quantity="quantity")
    tea = (3 / 15 + 2 / 22) / 2
    assert table.rows() == [
        ("bread", pytest.approx(1 - tea), 1.0, 1.0),
        ("tea", pytest.approx(tea), 2.0, pytest.approx(2**tea)),
    ]


def test_a_product_that_stays_still_has_the_factor_1_in_a_laspeyres():
    table = bilateral_decomposition(TWO, "laspeyres", 1, 2, quantity="quantity")
    assert table["factor"].to_list() == [1.0, pytest.approx(18 / 15, rel=1e-15)]


@pytest.mark.parametrize("formula", DECOMPOSABLE)
@quickly
@given(panels)
def test_factors_multiply_to_the_bilateral_index(formula, panel):
    quotes, last = panel.quotes(), len(panel.m) - 1
    factors = bilateral_decomposition(quotes, formula, 0, last, quantity="quantity")["factor"]
    index = bilateral_index(quotes, formula, quantity="quantity")["index"][-1]
    assert factors.product() == pytest.approx(index, rel=1e-12)


@pytest.mark.parametrize("formula", DECOMPOSABLE)
@quickly
@given(panels)
def test_factors_multiply_to_the_geks_index(formula, panel):
    quotes, last = panel.quotes(), len(panel.m) - 1
    factors = geks_decomposition(quotes, formula, 0, last, quantity="quantity")["factor"]
    index = multilateral_index(quotes, f"geks_{formula}", quantity="quantity")["index"][-1]
    assert factors.product() == pytest.approx(index, rel=1e-11)


def test_a_product_of_a_link_period_only_has_a_factor_of_1():
    quotes = pl.concat([TWO, pl.DataFrame([(3, "tea", 2.0, 1.0), (3, "milk", 1.0, 1.0)], schema=COLUMNS, orient="row")])
    table = geks_decomposition(quotes, "tornqvist", 1, 2, quantity="quantity")
    assert dict(table.select("product", "factor").rows())["milk"] == 1.0
    assert table["product"].to_list() == ["bread", "milk", "tea"]


def test_refused():
    with pytest.raises(
        ValueError, match=r"unknown formula of a decomposition by product 'cswd'; known: carli, dutot, jevons"
    ):
        bilateral_decomposition(TWO, "cswd", 1, 2, quantity="quantity")
    with pytest.raises(ValueError, match="current_period: found 9, expected a period of the quotes"):
        geks_decomposition(TWO, "fisher", 1, 9, quantity="quantity")
    with pytest.raises(ValueError, match="fisher: no quantities"):
        bilateral_decomposition(TWO, "fisher", 1, 2)
    alone = pl.concat([TWO, pl.DataFrame([(3, "milk", 1.0, 1.0)], schema=COLUMNS, orient="row")])
    with pytest.raises(ValueError, match="periods 3 and 2 share no product"):
        geks_decomposition(alone, "fisher", 1, 2, quantity="quantity")
    assert bilateral_decomposition(alone, "fisher", 1, 3, quantity="quantity").is_empty()
