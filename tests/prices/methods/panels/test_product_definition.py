"""Match-adjusted R squared: published values, an example by hand, refused input."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.prices.methods.panels.product_definition import STRATEGIES, product_definition_scores
from tests.prices.methods.published import GOLDEN, OTHER, Key, assert_as_printed, golden, series_of

COLUMNS = {"MARS product_match": "match", "MARS product_homogeneity": "homogeneity", "MARS MARS": "score"}


def keys() -> list[Key]:
    return [key for key in series_of(OTHER) if key[0] == "priceindices_dataMARS"] if GOLDEN.is_dir() else []


@golden
def test_priceindices_scores_of_shirts():
    quotes = pl.read_csv(GOLDEN / "priceindices_dataMARS.csv").with_columns(month=pl.col("time").str.slice(0, 7))
    table = product_definition_scores(
        quotes, ["brand", "size", "fabric"], "2025-05", "2025-09", period="month", price="prices", quantity="quantities"
    )
    scores = {row["attributes"]: row for row in table.iter_rows(named=True)}
    for key in keys():
        partition = key[2].partition("partition=")[2]
        assert_as_printed({"all": scores[partition][COLUMNS[key[1]]]}, series_of(OTHER)[key])
    assert len(keys()) == 3 * len(scores) == 21


REPRODUCED: dict[str, set[Key]] = {OTHER: set(keys())}
"""Golden values that this module tests, for `test_golden_ledger`."""

# Period 1: red 10 × 1; blue 20 × 1. Period 2: red 10 × 2, blue 22 × 1 and 18 × 1, green 40 × 1.
SHIRTS = pl.DataFrame(
    [
        (1, "red", 10, 1),
        (1, "blue", 20, 1),
        (2, "red", 10, 2),
        (2, "blue", 22, 1),
        (2, "blue", 18, 1),
        (2, "green", 40, 1),
    ],
    schema=["period", "colour", "price", "quantity"],
    orient="row",
)


def test_scores_by_hand():
    # Matched: 4 of 5. Mean 20: total 2·100 + 4 + 4 + 400 = 608, between strata 2·100 + 0 + 400 = 600.
    row = product_definition_scores(SHIRTS, ["colour"], 1, 2).row(0)
    assert row == ("colour", pytest.approx(0.8), pytest.approx(600 / 608), pytest.approx(0.8 * 600 / 608))


def test_strategies_average_over_pairs_of_periods():
    three = pl.concat([SHIRTS, SHIRTS.filter(pl.col("period") == 1).with_columns(period=pl.lit(3, pl.Int64))])
    first, back = (product_definition_scores(three, ["colour"], *pair)["match"][0] for pair in ((1, 2), (2, 3)))
    computed = {
        strategy: product_definition_scores(three, ["colour"], 1, 3, strategy=strategy)["match"][0]
        for strategy in STRATEGIES
    }
    assert computed == {
        "two_periods": pytest.approx(1.0),
        "base": pytest.approx(first**0.5),
        "chain": pytest.approx((first * back) ** 0.5),
        "pairs": pytest.approx((first * back) ** (1 / 3)),
        "last": pytest.approx(back**0.5),
    }


def test_prices_that_do_not_vary_are_explained():
    still = SHIRTS.with_columns(price=pl.lit(3.0))
    assert product_definition_scores(still, ["colour"], 1, 2)["homogeneity"][0] == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "two_months"}, "unknown strategy 'two_months'; known: two_periods, base"),
        ({"attributes": ["size"]}, "column size is missing; found period, colour"),
        ({"current_period": 9}, "current_period: 9 is not a period of the quotes; found 1 to 2"),
        ({"strategy": "chain", "base_period": 2}, "base_period: found 2, expected a period before current_period 2"),
        ({"quotes": SHIRTS.with_columns(price=pl.lit(0.0))}, "quotes: 6 with a price that is not positive"),
        ({"quotes": SHIRTS.with_columns(price=float("nan"))}, "quotes: 6 with a price that is not positive and finite"),
        ({"quotes": SHIRTS.with_columns(quantity=pl.lit(None, pl.Float64))}, "quotes: 6 with a quantity that is not"),
    ],
)
def test_refused(changes, message):
    arguments = {"quotes": SHIRTS, "attributes": ["colour"], "base_period": 1, "current_period": 2} | changes
    with pytest.raises(ValueError, match=message):
        product_definition_scores(**arguments)
