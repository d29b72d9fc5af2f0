"""From quotes to items, classes and divisions by the daily recipe, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from ons_bigdata.prices.methods.recipes import TreeWeights, index_figures, parameters_hash, recipe_named
from ons_bigdata.prices.methods.recipes.panels import Week
from ons_bigdata.prices.methods.recipes.tree import EQUAL_WEIGHTS
from ons_bigdata.prices.schemas import AggregateIndex
from tests.prices.methods.recipes.computed_recipes import panels_of

MONDAY = date(2016, 7, 25)
WEEK = (MONDAY, date(2016, 7, 31))
DAILY = recipe_named("web_daily")

STILL = dict.fromkeys(range(7), 1.0)
"""A price of 1 on each day of the base week."""

ITEMS = pl.DataFrame(
    {"item_number": [210111, 210113, 211709], "class_code": ["01.1.1", "01.1.1", "01.1.4"], "weight": [3.0, 1.0, 2.0]}
)
CLASSES = pl.DataFrame({"class_code": ["01.1.1", "01.1.4"], "division_code": ["01", "01"], "weight": [3.0, 1.0]})
NO_RETAILERS = pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64})
PRICES = {
    ("tesco", 210111): STILL | {7: 2.0},
    ("waitrose", 210111): STILL | {7: 1.0},
    ("tesco", 210113): STILL | {7: 1.0},
    ("tesco", 211709): STILL | {7: 3.0},
}


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def figures(
    prices: Mapping[tuple[str, int], Mapping[int, float]],
    *,
    retailers: pl.DataFrame = NO_RETAILERS,
    week: Week | None = WEEK,
) -> pl.DataFrame:
    """Compute the aggregates of one product per (retailer, item)."""
    rows = [
        ("real", retailer, item, "only", day(n), price, None)
        for (retailer, item), by_day in prices.items()
        for n, price in by_day.items()
    ]
    schema = {
        "data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
        "collected_on": pl.Date, "price_gbp": pl.Float64, "in_scope": pl.Boolean,
    }  # fmt: skip
    quotes = pl.DataFrame(rows, schema=schema, orient="row")
    return index_figures(panels_of(quotes, TreeWeights(retailers, ITEMS, CLASSES), week), [DAILY]).aggregates


def of(table: pl.DataFrame, code: str, n: int, method: str = "jevons_chained") -> dict[str, Any]:
    return table.row(
        by_predicate=(pl.col("code") == code) & (pl.col("period") == day(n)) & (pl.col("method") == method), named=True
    )


def test_retailers_to_items_to_classes_to_divisions_by_hand() -> None:
    table = figures(PRICES)
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
    assert (division["level"], division["products"], division["children"]) == ("division", 4, 2)
    assert division["reason"] is None
    assert division["base_period"] == "2016-07-25..2016-07-31"
    assert (division["recipe"], division["parameters_hash"]) == ("web_daily", parameters_hash(DAILY))


def test_known_retailer_weights_count_and_partly_known_ones_are_refused() -> None:
    known = pl.DataFrame([("tesco", 210111, 9.0), ("waitrose", 210111, 1.0)], schema=NO_RETAILERS.schema, orient="row")
    table = figures(PRICES, retailers=known)
    assert (of(table, "210111", 7)["index"], of(table, "210111", 7)["reason"]) == (pytest.approx(190.0), None)
    assert of(table, "210113", 7)["reason"] == EQUAL_WEIGHTS
    with pytest.raises(ValueError, match="item 210111: no weight for waitrose"):
        figures(PRICES, retailers=known.head(1))


def test_a_missing_retailer_does_not_move_the_item_and_its_share_is_carried_up() -> None:
    prices = PRICES | {("waitrose", 210111): STILL | {8: 1.0}, ("tesco", 210111): STILL | {7: 1.0, 8: 1.0}}
    table = figures(prices)
    item, class_ = of(table, "210111", 7), of(table, "01.1.1", 7)
    assert item["index"] == pytest.approx(100.0)
    assert (item["status"], item["reason"]) == ("partial", f"absent: waitrose; {EQUAL_WEIGHTS}")
    assert (class_["status"], class_["imputed_share"]) == ("complete", pytest.approx(0.5 * 3 / 4))


def test_a_stratum_without_a_fixed_base_index_takes_no_part_and_is_named() -> None:
    prices = PRICES | {("waitrose", 210111): {7: 1.0, 8: 5.0}, ("tesco", 210111): STILL | {7: 2.0, 8: 2.0}}
    table = figures(prices)
    fixed, chain = (of(table, "210111", 8, method) for method in ("jevons_fixed_base", "jevons_chained"))
    assert fixed["index"] == pytest.approx(200.0)
    assert (fixed["status"], fixed["reason"]) == ("partial", f"absent: waitrose; {EQUAL_WEIGHTS}")
    assert chain["index"] == pytest.approx(200.0 * (1 + 5) / 2)


def test_an_item_that_no_day_of_the_base_week_reaches_has_a_base_of_its_own_and_joins_its_class() -> None:
    table = figures({("tesco", 210111): STILL | {7: 2.0}, ("tesco", 210113): {7: 1.0}})
    item, class_ = of(table, "210113", 7), of(table, "01.1.1", 7)
    assert (item["index"], item["status"], item["base_period"]) == (100.0, "complete", "2016-08-01..2016-08-07")
    assert item["reason"] == (
        f"{EQUAL_WEIGHTS}; base of its own: no quote in the base period 2016-07-25..2016-07-31;"
        " base week with quotes on 1 of 7 expected days, until a week has all"
    )
    assert (class_["index"], class_["reason"]) == (pytest.approx(200.0), None)
    assert of(table, "01", 7)["reason"] == "absent: 01.1.4"


def test_without_a_base_week_every_index_is_null_with_a_reason() -> None:
    table = figures(PRICES, week=None)
    assert table["index"].null_count() == table.height == 2 * 6 * 8
    assert set(table["base_period"]) == {None}
    assert all("no base period" in reason for reason in table["reason"])


def test_the_target_is_published_for_the_other_recipes_only() -> None:
    assert figures(PRICES)["scope"].unique().to_list() == ["shelf"]
