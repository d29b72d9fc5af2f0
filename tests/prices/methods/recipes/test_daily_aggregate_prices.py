"""The daily aggregation from retailers to items, classes and divisions, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes.catalogue import WEB_DAILY, parameters_hash
from ons_bigdata.prices.methods.recipes.daily_aggregation import EQUAL_WEIGHTS, aggregate_prices
from ons_bigdata.prices.methods.recipes.jevons import chained_jevons, fixed_base_jevons
from ons_bigdata.prices.schemas import AcceptedQuote, AggregateIndex, ElementaryIndex

MONDAY = date(2016, 7, 25)
WEEK = (MONDAY, date(2016, 7, 31))

STILL = dict.fromkeys(range(7), 1.0)
"""A price of 1 on each day of the base week."""


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


ITEMS = pl.DataFrame(
    {"item_number": [210111, 210113, 211709], "class_code": ["01.1.1", "01.1.1", "01.1.4"], "weight": [3.0, 1.0, 2.0]}
)
CLASSES = pl.DataFrame({"class_code": ["01.1.1", "01.1.4"], "division_code": ["01", "01"], "weight": [3.0, 1.0]})
NO_RETAILERS = pl.DataFrame(
    schema={"data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "weight": pl.Float64}
)


def price_quotes(prices: Mapping[tuple[str, int], Mapping[int, float]], origin: str = "real") -> pl.DataFrame:
    """One product per (retailer, item)."""
    rows = [
        (origin, retailer, item, "only", day(n), price)
        for (retailer, item), by_day in prices.items()
        for n, price in by_day.items()
    ]
    return pl.DataFrame(rows, schema=AcceptedQuote.create_empty().schema, orient="row")


def elementary(quotes: pl.DataFrame) -> pl.DataFrame:
    chain = chained_jevons(quotes, link_window_days=14, base_week=WEEK)
    return pl.concat([chain, fixed_base_jevons(quotes, base_week=WEEK)])


PRICES = {
    ("tesco", 210111): STILL | {7: 2.0},
    ("waitrose", 210111): STILL | {7: 1.0},
    ("tesco", 210113): STILL | {7: 1.0},
    ("tesco", 211709): STILL | {7: 3.0},
}


def build(rows: pl.DataFrame, **changes: Any) -> pl.DataFrame:
    parameters: dict[str, Any] = {
        "retailer_weights": NO_RETAILERS, "item_weights": ITEMS, "class_weights": CLASSES, "recipe": WEB_DAILY,
        "base_weeks": {"real": WEEK},
    }  # fmt: skip
    return aggregate_prices(rows, **(parameters | changes))


def of(table: pl.DataFrame, code: str, n: int, method: str = "jevons_chained") -> dict[str, Any]:
    return table.row(
        by_predicate=(pl.col("code") == code) & (pl.col("period") == day(n)) & (pl.col("method") == method), named=True
    )


def test_retailers_to_items_to_classes_to_divisions_by_hand():
    table = build(elementary(price_quotes(PRICES)))
    assert AggregateIndex.is_valid(table)
    assert table.height == 2 * 6 * 8
    for method in ("jevons_chained", "jevons_fixed_base"):
        indices = {code: of(table, code, 7, method)["index"] for code in table["code"].unique()}
        assert indices == {
            "210111": pytest.approx(150.0),
            "210113": pytest.approx(100.0),
            "211709": pytest.approx(300.0),
            "01.1.1": pytest.approx(137.5),  # (3 · 150 + 1 · 100) / 4
            "01.1.4": pytest.approx(300.0),
            "01": pytest.approx(178.125),  # (3 · 137.5 + 1 · 300) / 4
        }
    item, division = of(table, "210111", 7), of(table, "01", 7)
    assert (item["level"], item["products"], item["children"], item["reason"]) == ("item", 2, 2, EQUAL_WEIGHTS)
    assert (division["level"], division["products"], division["children"], division["reason"]) == (
        "division",
        4,
        2,
        None,
    )
    assert division["base_period"] == "2016-07-25..2016-07-31"
    assert (division["recipe"], division["parameters_hash"]) == ("web_daily", parameters_hash(WEB_DAILY))


def test_known_retailer_weights_count_and_partly_known_ones_are_refused():
    rows = elementary(price_quotes(PRICES))
    known = [("real", "tesco", 210111, 9.0), ("real", "waitrose", 210111, 1.0), ("simulated", "tesco", 210113, 5.0)]
    weights = pl.DataFrame(known, schema=NO_RETAILERS.schema, orient="row")
    table = build(rows, retailer_weights=weights)
    assert (of(table, "210111", 7)["index"], of(table, "210111", 7)["reason"]) == (pytest.approx(190.0), None)
    assert of(table, "210113", 7)["reason"] == EQUAL_WEIGHTS
    with pytest.raises(ValueError, match=r"no weight.*parent 210111, child waitrose"):
        build(rows, retailer_weights=weights.filter(pl.col("retailer") == "tesco"))


def test_a_missing_retailer_does_not_move_the_item_and_its_part_is_told_up_to_the_division():
    prices = PRICES | {("waitrose", 210111): STILL | {8: 1.0}, ("tesco", 210111): STILL | {7: 1.0, 8: 1.0}}
    table = build(elementary(price_quotes(prices)))
    item, class_ = of(table, "210111", 7), of(table, "01.1.1", 7)
    assert item["index"] == pytest.approx(100.0)
    assert (item["status"], item["reason"]) == ("partial", f"absent: waitrose; {EQUAL_WEIGHTS}")
    assert (class_["status"], class_["imputed_share"]) == ("complete", pytest.approx(0.5 * 3 / 4))


def test_a_stratum_without_a_fixed_base_index_takes_no_part_and_is_named():
    prices = PRICES | {("waitrose", 210111): {7: 1.0, 8: 5.0}, ("tesco", 210111): STILL | {7: 2.0, 8: 2.0}}
    table = build(elementary(price_quotes(prices)))
    fixed, chain = (of(table, "210111", 8, method) for method in ("jevons_fixed_base", "jevons_chained"))
    assert fixed["index"] == pytest.approx(200.0)
    assert (fixed["status"], fixed["reason"]) == ("partial", f"absent: waitrose; {EQUAL_WEIGHTS}")
    assert chain["index"] == pytest.approx(200.0 * (1 + 5) / 2)


def test_an_item_that_no_day_of_the_base_week_reaches_is_null_and_absent_above():
    prices = {("tesco", 210111): STILL | {7: 2.0}, ("tesco", 210113): {7: 1.0}}
    table = build(elementary(price_quotes(prices)))
    item, class_ = of(table, "210113", 7), of(table, "01.1.1", 7)
    assert (item["index"], item["status"]) == (None, "none")
    assert item["reason"] == f"no retailer has a value in the base week 2016-07-25..2016-07-31: tesco; {EQUAL_WEIGHTS}"
    assert (class_["index"], class_["reason"]) == (pytest.approx(200.0), "absent: 210113")
    assert of(table, "01", 7)["reason"] == "absent: 01.1.4"


def test_data_origins_are_kept_apart():
    real = elementary(price_quotes(PRICES))
    made_up = elementary(price_quotes({("tesco", 210111): STILL | {9: 7.0}}, origin="simulated"))
    weeks = {"real": WEEK, "simulated": WEEK}
    together = build(pl.concat([made_up, real]), base_weeks=weeks)
    assert_frame_equal(together.filter(pl.col("data_origin") == "real"), build(real))
    assert_frame_equal(together.filter(pl.col("data_origin") == "simulated"), build(made_up, base_weeks=weeks))
    with pytest.raises(ValueError, match="no entry for data origin simulated; found real"):
        build(made_up)


def test_without_a_base_week_every_index_is_null_with_a_reason():
    quotes = price_quotes(PRICES)
    rows = chained_jevons(quotes, link_window_days=14, base_week=None)
    table = build(rows, base_weeks={"real": None})
    assert table["index"].null_count() == table.height == 6 * 8
    assert set(table["base_period"]) == {None}
    assert all("no base week" in reason for reason in table["reason"])


def test_the_weights_of_the_recipes_year_count():
    rows = elementary(price_quotes(PRICES))
    years = [ITEMS.with_columns(weights_year=pl.lit(2016)), ITEMS.with_columns(weights_year=pl.lit(2015), weight=1.0)]
    assert_frame_equal(build(rows, item_weights=pl.concat(years)), build(rows))
    with pytest.raises(ValueError, match=r"item_weights: no row of weights_year 2016; found \[2015\]"):
        build(rows, item_weights=years[1])


def test_items_and_classes_need_one_parent():
    rows = elementary(price_quotes(PRICES))
    with pytest.raises(ValueError, match="no row of weights for 210113, 211709"):
        build(rows, item_weights=ITEMS.head(1))
    with pytest.raises(ValueError, match=r"several rows of weights for 01\.1\.4"):
        build(rows, class_weights=pl.concat([CLASSES, CLASSES.tail(1).with_columns(division_code=pl.lit("02"))]))


def test_no_elementary_rows_give_no_rows():
    table = build(ElementaryIndex.create_empty())
    assert table.is_empty()
    assert AggregateIndex.is_valid(table)
