"""Imputed prices: each method by hand, refused input, invariants of all methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.panels.imputation import METHODS, impute_prices

quickly = settings(max_examples=30, deadline=None)

Prices = dict[str, dict[int, float]]
# Tea is away in 2 and 3; milk doubles in 2; bread is of another group.
PRICES: Prices = {
    "tea": {1: 1.0, 4: 6.0},
    "milk": {1: 1.0, 2: 2.0, 3: 2.0, 4: 2.0},
    "bread": {1: 1.0, 2: 8.0, 3: 8.0, 4: 8.0},
}
GROUPS = {"tea": "drinks", "milk": "drinks", "bread": "food"}


def quotes_of(prices: Prices) -> pl.DataFrame:
    rows = [(t, n, p, GROUPS[n], n != "milk") for n, own in prices.items() for t, p in own.items()]
    schema = {"period": pl.Int64, "product": pl.String, "price": pl.Float64, "group": pl.String, "chosen": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def tea(method: str, **options: Any) -> list[float | None]:
    table = impute_prices(quotes_of(PRICES), method, **options)
    assert (table["price"].is_null() == table["reason"].is_not_null()).all()
    assert (table["method"].is_not_null() == table["imputed"]).all()
    return table.filter(pl.col("product") == "tea")["price"].to_list()


def test_methods_by_hand():
    assert tea("carry_forward") == [1.0, 1.0, 1.0, 6.0]
    assert tea("overall_mean") == [1.0, pytest.approx(4.0), pytest.approx(4.0), 6.0]
    assert tea("overall_mean", mean="arithmetic") == [1.0, 5.0, 5.0, 6.0]
    assert tea("class_mean", group="group") == [1.0, pytest.approx(2.0), pytest.approx(2.0), 6.0]
    # The only chosen product of the group is tea itself: nothing to impute from.
    assert tea("targeted_mean", group="group", target="chosen") == [1.0, None, None, 6.0]


def test_flag_method_and_age():
    table = impute_prices(quotes_of(PRICES), "carry_forward", max_periods=1)
    assert table.filter(pl.col("product") == "tea").drop("product").rows() == [
        (1, 1.0, False, None, 0, None),
        (2, 1.0, True, "carry_forward", 1, None),
        (3, None, False, None, 2, "the last price is older than 1 periods"),
        (4, 6.0, False, None, 0, None),
    ]


def test_the_change_of_a_return_enters_where_imputation_corrects_itself():
    # Tea is back in 3 at 4, where 2 was imputed: ×2. Milk, away in 3, gets it only if the return counts.
    prices = {"tea": {1: 1.0, 3: 4.0}, "milk": {1: 1.0, 2: 2.0, 4: 5.0}}

    def milk(**options: Any) -> float | None:
        table = impute_prices(quotes_of(prices), "class_mean", group="group", **options)
        return table.filter((pl.col("product") == "milk") & (pl.col("period") == 3))["price"].item()

    assert milk() == pytest.approx(4.0)
    assert milk(self_correcting=False) is None


def test_leaving_a_relative_out_until_its_return_is_the_same_as_the_overall_mean():
    # The chained Jevons over all, imputed or not, is at the end the Jevons of direct relatives.
    imputed = impute_prices(quotes_of(PRICES), "overall_mean").select("period", "product", "price")
    chain = bilateral_index(imputed, "jevons", "chained")["index"].to_list()
    assert chain == pytest.approx([1.0, 4.0, 4.0, (6 * 2 * 8) ** (1 / 3)])


def test_a_calendar_adds_periods_and_quantities_are_0_where_nothing_was_sold():
    quotes = quotes_of({"tea": {1: 1.0, 3: 2.0}}).with_columns(quantity=pl.lit(5.0))
    table = impute_prices(quotes, "carry_forward", quantity="quantity", calendar=[1, 2, 3, 4])
    assert table.select("period", "price", "quantity").rows() == [
        (1, 1.0, 5.0),
        (2, 1.0, 0.0),
        (3, 2.0, 5.0),
        (4, 2.0, 0.0),
    ]
    with pytest.raises(ValueError, match="period 3 of the quotes is missing"):
        impute_prices(quotes, "carry_forward", calendar=[1, 2])
    with pytest.raises(ValueError, match="periods do not ascend"):
        impute_prices(quotes, "carry_forward", calendar=[3, 1])


def test_other_columns_may_have_the_names_of_the_output():
    quotes = quotes_of(PRICES).rename({"product": "prodID", "period": "month"})
    quotes = quotes.with_columns(product=pl.lit("food"), period=pl.lit(0), quantity=pl.lit("few"), sold=pl.lit(2.0))
    table = impute_prices(quotes, "carry_forward", product="prodID", period="month", quantity="sold", group="product")
    plain = impute_prices(quotes_of(PRICES), "carry_forward")
    assert table.drop("quantity", "group").equals(plain)
    assert table["group"].unique().to_list() == ["food"]


def test_carrying_needs_no_group():
    quotes = quotes_of(PRICES).with_columns(group=pl.lit(None, pl.String))
    for method in ("carry_forward", "overall_mean"):
        expected = impute_prices(quotes_of(PRICES), method)
        assert impute_prices(quotes, method, group="group").drop("group").equals(expected)
    with pytest.raises(ValueError, match="a product of two groups"):
        impute_prices(quotes_of(PRICES).with_columns(group="period"), "carry_forward", group="group")
    with pytest.raises(ValueError, match="quotes: column shelf is missing; found period, product"):
        impute_prices(quotes, "carry_forward", group="shelf")
    with pytest.raises(ValueError, match="quotes: column price is Float64, expected Boolean, as the target"):
        impute_prices(quotes.with_columns(kind=1), "targeted_mean", group="kind", target="price")


def test_a_product_is_a_target_in_all_rows_or_in_none():
    options = {"method": "targeted_mean", "group": "group", "target": "chosen"}
    for chosen, message in (
        (pl.col("period") > 2, "with a product that is a target in some rows and in others not"),
        (pl.when(pl.col("product") != "tea").then("chosen"), "quotes: 1 with a null in chosen"),
    ):
        with pytest.raises(ValueError, match=message):
            impute_prices(quotes_of(PRICES).with_columns(chosen=chosen), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "carry"}, "unknown method 'carry'; known: carry_forward, overall_mean"),
        ({"mean": "median", "method": "overall_mean"}, "unknown mean 'median'; known: geometric, arithmetic"),
        ({"method": "class_mean"}, "class_mean: option group is missing"),
        ({"method": "targeted_mean", "group": "group"}, "targeted_mean: target is None"),
        ({"method": "class_mean", "group": "group", "target": "chosen"}, "class_mean: target is 'chosen'"),
        ({"method": "carry_forward", "max_periods": 0}, "max_periods: found 0"),
        (
            {"method": "carry_forward", "max_periods": 10**400},
            "max_periods: found 1000.*, expected a whole number of at"
            " least 1 and at most 2147483647, or None for any number",
        ),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match=message):
        impute_prices(quotes_of(PRICES), **options)
    two = quotes_of(PRICES).with_columns(group=pl.col("period").cast(pl.String))
    with pytest.raises(ValueError, match="a product of two groups"):
        impute_prices(two, "class_mean", group="group")


def test_carrying_backward_by_hand():
    prices = {"tea": {2: 3.0, 5: 6.0}, "milk": {1: 1.0, 2: 2.0, 3: 2.0, 4: 2.0, 5: 2.0, 6: 2.0}}
    table = impute_prices(quotes_of(prices), "carry_backward")
    of_tea = table.filter(pl.col("product") == "tea")
    assert of_tea["price"].to_list() == [3.0, 3.0, 6.0, 6.0, 6.0, None]
    assert of_tea["age"].to_list() == [1, 0, 2, 1, 0, None]
    assert of_tea["imputed"].to_list() == [True, False, True, True, False, False]
    assert of_tea["reason"].to_list() == [None] * 5 + ["no later price"]
    short = impute_prices(quotes_of(prices), "carry_backward", max_periods=1).filter(pl.col("product") == "tea")
    assert short["price"].to_list() == [3.0, 3.0, None, 6.0, 6.0, None]
    assert short["reason"][2] == "the next price is more than 1 periods ahead"


def test_interpolation_by_hand():
    prices = {"tea": {1: 1.0, 4: 8.0, 6: 2.0}, "milk": dict.fromkeys(range(1, 8), 2.0)}
    of_tea = impute_prices(quotes_of(prices), "interpolate").filter(pl.col("product") == "tea")
    assert of_tea["price"].to_list() == pytest.approx([1.0, 2.0, 4.0, 8.0, 4.0, 2.0, None])
    assert of_tea["reason"].to_list() == [None] * 6 + ["no observed price on both sides"]
    assert of_tea["age"].to_list() == [0, 1, 2, 0, 1, 0, 1]
    linear = impute_prices(quotes_of(prices), "interpolate", mean="arithmetic").filter(pl.col("product") == "tea")
    assert linear["price"].to_list() == pytest.approx([1.0, 10 / 3, 17 / 3, 8.0, 5.0, 2.0, None])
    short = impute_prices(quotes_of(prices), "interpolate", max_periods=1).filter(pl.col("product") == "tea")
    assert short["price"].to_list() == [1.0, None, None, 8.0, pytest.approx(4.0), 2.0, None]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("quantity", [None, "sold"])
def test_imputing_twice_is_imputing_once(method, quantity):
    options: dict[str, Any] = {"group": "group"} if method in ("class_mean", "targeted_mean") else {}
    quotes = quotes_of(PRICES | {"bread": {1: 1.0, 4: 8.0}}).with_columns(sold=pl.lit(2.0))
    if method == "targeted_mean":
        options["target"] = "chosen"
    once = impute_prices(quotes, method, quantity=quantity, **options)
    again = once.with_columns(chosen=pl.col("product") != "milk").rename({"quantity": "sold"} if quantity else {})
    twice = impute_prices(again, method, quantity=quantity, **options)
    assert twice.equals(once)
    assert once["imputed"].any() or method == "targeted_mean"


def test_a_second_method_fills_what_the_first_left():
    quotes, known = quotes_of({"tea": {1: 1.0, 5: 5.0}, "milk": {1: 1.0, 2: 2.0}}), [1, 2, 5]
    first = impute_prices(quotes, "overall_mean", calendar=known)
    second = impute_prices(first, "carry_forward", calendar=known).filter(pl.col("product") == "tea")
    # Tea moves with milk in period 2; then it is carried. Neither counts as observed.
    assert second.select("price", "imputed", "method", "age").rows() == [
        (1.0, False, None, 0),
        (2.0, True, "overall_mean", 1),
        (5.0, False, None, 0),
    ]
    third = impute_prices(first, "carry_forward").filter(pl.col("product") == "tea")
    assert third["method"].to_list() == [None, "overall_mean", "carry_forward", "carry_forward", None]
    # An imputed price is no relative for others.
    later = first.filter(~((pl.col("product") == "milk") & (pl.col("period") == 2)))
    computed = impute_prices(later, "overall_mean").filter(pl.col("product") == "milk")
    assert computed["price"].to_list()[:2] == [1.0, None]
    with pytest.raises(ValueError, match="quotes: column imputed is String, expected Boolean, as the mark of imputed"):
        impute_prices(first.cast({"imputed": pl.String}), "carry_forward")


@st.composite
def panels(draw) -> tuple[pl.DataFrame, int]:
    random = np.random.default_rng(draw(st.integers(0, 9_999)))
    names = list(GROUPS)
    prices = {
        n: {t: float(np.exp(random.normal())) for t in range(7) if t == 0 or random.random() < 0.6} for n in names
    }
    return quotes_of(prices), draw(st.integers(1, 4))


@quickly
@given(panels(), st.sampled_from(METHODS), st.booleans(), st.floats(0.3, 3))
def test_invariants_of_every_method(panel, method, correcting, k):
    quotes, most = panel
    options: dict[str, Any] = {"max_periods": most, "self_correcting": correcting}
    options |= {"group": "group"} if method in ("class_mean", "targeted_mean") else {}
    options |= {"target": "chosen"} if method == "targeted_mean" else {}
    table = impute_prices(quotes, method, **options)
    observed = table.filter(~pl.col("imputed") & pl.col("price").is_not_null()).select("period", "product", "price")
    assert observed.sort("period", "product").equals(
        quotes.select("period", "product", "price").sort("period", "product")
    )
    if method != "interpolate":
        assert table.filter("imputed")["age"].max() is None or table.filter("imputed")["age"].max() <= most
    assert table.select("period", "product").is_unique().all()
    raised = impute_prices(quotes.with_columns(price=pl.col("price") * k), method, **options)
    assert raised["price"].to_list() == [None if p is None else pytest.approx(p * k, rel=1e-10) for p in table["price"]]
