"""Bennet and Montgomery indicators: by hand, published, and that their parts add up to the change of value."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings

from ons_bigdata.prices.methods.bilateral import INDICATORS, bilateral_indicator, indicator_contributions
from tests.prices.methods.published import golden, milk_rows
from tests.prices.methods.random_panels import COLUMNS, panels

quickly = settings(max_examples=20, deadline=None)
TWO = pl.DataFrame(
    [(1, "tea", 1.0, 3.0), (1, "bread", 4.0, 3.0), (2, "tea", 2.0, 1.0), (2, "bread", 4.0, 5.0)],
    schema=COLUMNS, orient="row",
)  # fmt: skip


def test_bennet_and_montgomery_by_hand():
    # Value 15 to 22. Bennet: tea ½(3+1)(2−1) = 2, quantities ½(1+2)(1−3) + ½(4+4)(5−3) = −3 + 8.
    bennet = bilateral_indicator(TWO, "bennet")
    assert bennet.rows() == [(1, 0.0, 0.0, 0.0, None), (2, 7.0, 2.0, 5.0, None)]
    tea, bread = (2 - 3) / math.log(2 / 3), (20 - 12) / math.log(20 / 12)
    montgomery = bilateral_indicator(TWO, "montgomery").row(1)
    quantity = tea * math.log(1 / 3) + bread * math.log(5 / 3)
    assert montgomery == (2, pytest.approx(7.0), pytest.approx(tea * math.log(2)), pytest.approx(quantity), None)


@pytest.mark.parametrize("formula", INDICATORS)
@pytest.mark.parametrize("sample", ["matched", "all"])
@quickly
@given(panels)
def test_parts_add_up_to_the_change_of_value(formula, sample, panel):
    quotes, last = panel.quotes(), len(panel.m) - 1
    total = bilateral_indicator(quotes, formula, sample=sample).row(-1, named=True)
    assert total["price_indicator"] + total["quantity_indicator"] == pytest.approx(total["value_change"], rel=1e-9)
    products = indicator_contributions(quotes, formula, 0, last, sample=sample)
    chosen = quotes.filter(pl.col("period").is_in([0, last]))
    if sample == "matched":
        chosen = chosen.filter(pl.col("product").is_in(products["product"].implode()))
    sign = pl.when(pl.col("period") == last).then(1.0).otherwise(-1.0)
    value = chosen.select((pl.col("price") * pl.col("quantity") * sign).sum()).item()
    scale = chosen.select((pl.col("price") * pl.col("quantity")).sum()).item()
    assert total["value_change"] == pytest.approx(value, abs=1e-9 * scale)
    for column, whole in (("price_contribution", "price_indicator"), ("quantity_contribution", "quantity_indicator")):
        assert products[column].sum() == pytest.approx(total[whole], abs=1e-9 * scale)


def test_period_on_period_calendar_and_gaps():
    three = pl.concat(
        [TWO, TWO.filter(pl.col("period") == 2).with_columns(period=pl.lit(4, pl.Int64), price=pl.col("price") * 2)]
    )
    steps = bilateral_indicator(three, "bennet", "previous_period", calendar=[1, 2, 4])
    assert steps["price_indicator"].to_list() == [0.0, 2.0, 22.0]
    gap = bilateral_indicator(three, "bennet", "previous_period")
    assert gap["reason"].to_list() == [None, None, "no product is present in 3", "no product is present in 3"]
    assert bilateral_indicator(three, "bennet", base_period=2)["price_indicator"].to_list() == [-2.0, 0.0, 22.0]
    with pytest.raises(ValueError, match="unknown indicator 'benet'; known: bennet, montgomery; did you mean bennet"):
        bilateral_indicator(TWO, "benet")
    with pytest.raises(ValueError, match="base_period is 1, expected None"):
        bilateral_indicator(TWO, "bennet", "previous_period", base_period=1)


# Bennet indicators of the milk of PriceIndices against December 2018, as printed in its README (2 digits).
VALUES = [-31942.53, -35995.09, -42158.05, -56934.44, -50961.52, -48842.58, -33974.27, -37962.80, -33833.42, -35001.60,
          -16928.94, 9859.34]  # fmt: skip
PRICES = [628.05, -175.29, -3810.15, -2427.25, -2580.91, -2396.05, -3232.63, 4500.45, -1092.32, -1665.10, 2313.87,
          -2151.48]  # fmt: skip
BY_DESCRIPTION = {
    "full-fat milk pasteurized": (-711.57, -633.65, -77.92),
    "full-fat milk UHT": (8767.34, -1927.29, 10694.63),
    "goat milk": (-602.29, -4.10, -598.18),
    "low-fat milk pasteurized": (1421.39, 647.66, 773.73),
    "low-fat milk UHT": (-1525.62, 369.49, -1895.11),
    "powdered milk": (2510.09, 1444.46, 1065.63),
}
OPTIONS = {"period": "month", "price": "prices", "quantity": "quantities", "duplicates": "unit_value"}


@golden
def test_priceindices_bennet_of_milk():
    table = bilateral_indicator(milk_rows(), "bennet", sample="all", product="prodID", **OPTIONS)
    assert table["value_change"].to_list()[1:] == pytest.approx(VALUES, abs=0.0051)
    assert table["price_indicator"].to_list()[1:] == pytest.approx(PRICES, abs=0.0051)


@golden
def test_priceindices_bennet_of_milk_by_description():
    table = indicator_contributions(milk_rows(), "bennet", "2018-12", "2019-12", product="description", **OPTIONS)
    assert {name: parts for name, *parts in table.rows()} == {
        name: [pytest.approx(part, abs=0.0051) for part in parts] for name, parts in BY_DESCRIPTION.items()
    }
