"""Contributions of products that add up to a bilateral index: by hand, and exact on random panels with gaps."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from ons_bigdata.prices.methods.bilateral import bilateral_contributions, bilateral_decomposition, bilateral_index
from ons_bigdata.prices.methods.bilateral.registry import DECOMPOSABLE
from tests.prices.methods.random_panels import COLUMNS, panels

quickly = settings(max_examples=8, deadline=None)

# Tea doubles, bread stays at 4. Expenditures 3 + 12, then 2 + 20.
TWO = pl.DataFrame(
    [(1, "tea", 1.0, 3.0), (1, "bread", 4.0, 3.0), (2, "tea", 2.0, 1.0), (2, "bread", 4.0, 5.0)],
    schema=COLUMNS, orient="row",
)  # fmt: skip
Q = {"quantity": "quantity"}


def test_a_laspeyres_and_a_fisher_by_hand():
    laspeyres = bilateral_contributions(TWO, "laspeyres", 1, 2, **Q)
    assert laspeyres.rows() == [("bread", 0.8, 1.0, 0.0), ("tea", 0.2, 2.0, pytest.approx(0.2))]
    # Fisher: L = 18/15, Pa = 22/21, Q = 22/15/P; tea's share of the basket q0 + q1/Q at the old prices.
    fisher = (18 / 15 * 22 / 21) ** 0.5
    quantity = 22 / 15 / fisher
    tea = (3 + 1 / quantity) / (3 + 1 / quantity + 4 * (3 + 5 / quantity))
    table = bilateral_contributions(TWO, "fisher", 1, 2, **Q)
    assert table["weight"].to_list() == pytest.approx([1 - tea, tea])
    assert table["contribution"].to_list() == pytest.approx([0.0, fisher - 1])


def test_a_tornqvist_by_hand():
    # The only product that changes contributes all: with one relative of 1, its weight is (P − 1)/(r − 1).
    share = (3 / 15 + 2 / 22) / 2
    table = bilateral_contributions(TWO, "tornqvist", 1, 2, **Q)
    assert table["contribution"].to_list() == pytest.approx([0.0, 2**share - 1])
    assert table["weight"][1] == pytest.approx(2**share - 1)


@pytest.mark.parametrize("formula", DECOMPOSABLE)
@quickly
@given(panels)
def test_contributions_add_up_to_the_index(formula, panel):
    quotes, last = panel.quotes(), len(panel.m) - 1
    table = bilateral_contributions(quotes, formula, 0, last, **Q)
    index = bilateral_index(quotes, formula, **Q)["index"][-1]
    assert table["contribution"].sum() == pytest.approx(index - 1, rel=1e-10, abs=1e-12)
    assert table["weight"].sum() == pytest.approx(1.0, rel=1e-12)
    factors = bilateral_decomposition(quotes, formula, 0, last, **Q)
    assert factors["weight"].sum() == pytest.approx(1.0, rel=1e-12)
    assert factors["factor"].product() == pytest.approx(index, rel=1e-12)


def test_contributions_need_quantities_a_known_formula_and_known_periods():
    assert bilateral_contributions(TWO, "jevons", 1, 2)["weight"].to_list() == pytest.approx(
        [2**0.5 - 1, 2 - 2**0.5][::-1]
    )
    with pytest.raises(ValueError, match="fisher: no quantities; expected a quantity column"):
        bilateral_contributions(TWO, "fisher", 1, 2)
    with pytest.raises(ValueError, match="unknown formula of a decomposition by product 'stuvel'; known: carli"):
        bilateral_contributions(TWO, "stuvel", 1, 2, **Q)
    with pytest.raises(ValueError, match="base_period: found 7, expected a period of the quotes"):
        bilateral_contributions(TWO, "fisher", 7, 2, **Q)
    alone = pl.concat([TWO, pl.DataFrame([(3, "milk", 1.0, 1.0)], schema=COLUMNS, orient="row")])
    assert bilateral_contributions(alone, "fisher", 1, 3, **Q).is_empty()
    assert np.isclose(bilateral_contributions(alone, "carli", 1, 2)["contribution"].sum(), 0.5)
