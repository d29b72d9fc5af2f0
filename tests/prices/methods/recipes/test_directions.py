"""Direction of elementary indices: by hand, on the market whose clusters move against its only continuing product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    Recipe,
    TreeWeights,
    base_weeks,
    days_compared,
    index_figures,
    origin_panels,
    price_change_bounds,
    recipe_named,
    recipes_with_link_window,
)
from tests.prices.methods.recipes.computed_recipes import directions_of, with_entry

STRAWBERRIES = 212717
KEY = {"data_origin": "real", "retailer": "tesco", "item_number": STRAWBERRIES}


def _quotes(rows: list[tuple[str, date, float]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["product", "collected_on", "price_gbp"], orient="row")
    return frame.with_columns(
        pl.lit(KEY["data_origin"]).alias("data_origin"),
        pl.lit(KEY["retailer"]).alias("retailer"),
        pl.lit(STRAWBERRIES, pl.Int32).alias("item_number"),
        pl.lit(None, pl.Boolean).alias("in_scope"),
    ).select("data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp", "in_scope")


def _dearer_pack_enters() -> pl.DataFrame:
    """400 g at 2.00 in October and 1.50 in November, and a pack of 1 kg at 4.00 from November: 27 quotes."""
    october = [date(2016, 10, 20) + timedelta(days=n) for n in range(9)]
    november = [date(2016, 11, 1) + timedelta(days=n) for n in range(9)]
    return _quotes(
        [("STRAWBERRIES 400G", day, 2.0) for day in october]
        + [("STRAWBERRIES 400G", day, 1.5) for day in november]
        + [("STRAWBERRIES 1KG", day, 4.0) for day in november]
    )


def _sizes(quotes: pl.DataFrame) -> pl.DataFrame:
    size = pl.when(pl.col("product").str.contains("1KG")).then(1.0).otherwise(0.4)
    return quotes.select("data_origin", "retailer", "item_number", "product").unique().with_columns(pack_size=size)


def _directions(quotes: pl.DataFrame, recipes: Sequence[Recipe] = RECIPES) -> pl.DataFrame:
    weights = TreeWeights(
        pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64}),
        pl.DataFrame({"item_number": [STRAWBERRIES], "class_code": ["01.1.6"], "weight": [1.0]}),
        pl.DataFrame({"class_code": ["01.1.6"], "division_code": ["01"], "weight": [1.0]}),
    )
    panels = origin_panels(
        quotes,
        data_origin="real",
        pack_sizes=_sizes(quotes),
        rejected=quotes.clear().select("retailer", "item_number", "collected_on"),
        weights=weights,
        week=base_weeks(quotes)["real"],
    )
    return directions_of(index_figures(panels, recipes).elementary, quotes, recipes)


def test_a_dearer_pack_that_enters_marks_the_clusters_and_no_other_series() -> None:
    quotes = _dearer_pack_enters()
    assert quotes.height == 27
    directions = _directions(quotes)
    # the one cluster: from 2.00 to the geometric mean of 1.50 and 4.00; the only product in both months: 2.00 to 1.50
    marked = directions.filter(pl.col("status") == "against")
    assert marked.select("recipe", "method", "identified_movements").rows() == [("clip", "cluster_jevons", 1)]
    assert "in 1 of the 1 periods in which all of their price changes had one direction" in marked["reason"].item()
    # a product that enters moves a window over weeks by its level: nothing is tested there, nor of a base by the day
    untested = directions.filter(pl.col("status") == "untested")
    assert set(untested["method"]) <= {"geks_jevons", "time_product_dummy", "jevons_fixed_base", "unit_price"}
    assert set(directions["status"]) == {"against", "along", "untested"}


def _elementary(levels: list[float], segments: list[int]) -> pl.DataFrame:
    days = [date(2016, 8, 1) + timedelta(days=n) for n in range(len(levels))]
    return pl.DataFrame({"period": days, "segment_index": levels, "segment": segments}).with_columns(
        **{name: pl.lit(value) for name, value in KEY.items()},
        recipe=pl.lit("web_daily"), method=pl.lit("jevons_chained"), scope=pl.lit("shelf"),
    )  # fmt: skip


def _prices(prices: list[float]) -> pl.DataFrame:
    return _quotes([("A", date(2016, 8, 1) + timedelta(days=n), price) for n, price in enumerate(prices)])


def _judged(levels: list[float], segments: list[int], prices: pl.DataFrame) -> list[tuple[int, int, int, str]]:
    directions = directions_of(_elementary(levels, segments), prices, [recipe_named("web_daily")])
    return directions.select("movements", "identified_movements", "opposite_movements", "status").rows()


def test_movements_are_counted_by_hand() -> None:
    # prices rise, stay, fall, rise; the index rises, rises, rises, rises: 3 identified, 1 of them opposite
    prices = _prices([1.0, 2.0, 2.0, 1.0, 2.0])
    assert _judged([1.0, 2.0, 3.0, 4.0, 5.0], [0] * 5, prices) == [(4, 3, 1, "along")]
    # the index falls with the first rise, and does not move with the fall: 1 along, 1 opposite, which is no majority
    assert _judged([1.0, 0.5, 0.4, 0.4, 0.5], [0] * 5, prices) == [(4, 3, 1, "along")]
    assert _judged([1.0, 0.5, 0.4, 0.4, 0.3], [0] * 5, prices) == [(4, 3, 2, "against")]


def _two_products(first: tuple[float, float], second: tuple[float, float]) -> pl.DataFrame:
    rows = [
        (name, date(2016, 8, 1 + n), price)
        for name, prices in (("A", first), ("B", second))
        for n, price in enumerate(prices)
    ]
    return _quotes(rows)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ((1.0, 1.1), (2.0, 2.0), "against"),  # nothing became cheaper: no mean of relatives falls
        ((1.0, 1.1), (2.0, 2.4), "against"),
        ((1.0, 1.001), (2.0, 2.0), "against"),  # a small change has a sign, too
        ((1.0, 1.5), (2.0, 1.999), "untested"),  # with enough weight on B a mean falls
        ((1.0, 0.9), (2.0, 2.0), "along"),
    ],
)
def test_a_fall_of_the_index_is_against_prices_none_of_which_fell(
    first: tuple[float, float], second: tuple[float, float], status: str
) -> None:
    assert [row[3] for row in _judged([1.0, 0.9], [0, 0], _two_products(first, second))] == [status]


PRICES = st.lists(st.sampled_from([1.0, 1.25, 1.5, 2.0, 3.0]), min_size=12, max_size=12)


@given(prices=PRICES)
def test_matched_jevons_is_never_against_and_its_inverse_always_where_tested(prices: list[float]) -> None:
    panel = [prices[:4], prices[4:8], prices[8:]]
    quotes = _quotes(
        [(f"P{n}", date(2016, 8, 1 + day), price) for n, row in enumerate(panel) for day, price in enumerate(row)]
    )
    levels = [math.prod(row[day] / row[0] for row in panel) ** (1 / 3) for day in range(4)]
    assert {row[3] for row in _judged(levels, [0] * 4, quotes)} <= {"along", "untested"}
    assert {row[3] for row in _judged([1 / level for level in levels], [0] * 4, quotes)} <= {"against", "untested"}


def test_levels_of_two_segments_are_not_a_movement() -> None:
    prices = _prices([1.0, 2.0])
    assert _judged([1.0, 0.5], [0, 1], prices) == []
    assert _judged([1.0, 0.5], [0, 0], prices) == [(1, 1, 1, "against")]


def test_a_movement_without_a_change_of_prices_is_untested() -> None:
    prices = _prices([1.0, 1.0])
    assert _judged([1.0, 2.0], [0, 0], prices) == [(1, 0, 0, "untested")]


def test_a_movement_over_other_periods_than_those_of_the_prices_is_not_compared() -> None:
    # the index has no value on the second day, on which the price rose; since then it fell
    prices = _prices([1.0, 2.0, 1.5])
    elementary = _elementary([1.0, 2.0, 0.9], [0, 0, 0]).filter(pl.col("period") != date(2016, 8, 2))
    directions = directions_of(elementary, prices, [recipe_named("web_daily")])
    assert directions.select("movements", "status").rows() == [(0, "untested")]


def _days(*days: int) -> list[date]:
    return [date(2016, 8, 1) + timedelta(days=n) for n in days]


Steps = dict[str, dict[int, float]]
"""Price by product and day."""

RETURNS: dict[str, Steps] = {
    "dearer, while the other falls": {
        "A": dict.fromkeys(range(7), 1.0) | dict.fromkeys((9, 10, 11), 2.0),
        "B": dict.fromkeys(range(9), 1.0) | dict.fromkeys((9, 10, 11), 0.99),
    },
    "cheaper, while the other rises": {
        "A": dict.fromkeys(range(7), 2.0) | dict.fromkeys((9, 10, 11), 1.0),
        "B": dict.fromkeys(range(9), 1.0) | dict.fromkeys((9, 10, 11), 1.01),
    },
    "after the other has moved": {
        "A": {0: 1.0, 1: 1.0, 6: 1.1},
        "B": {0: 1.0, 1: 1.0, 2: 1.5, 3: 1.5, 4: 1.5, 5: 1.5, 6: 1.51},
    },
    "after exactly the link window": {"A": {0: 1.0, 14: 3.0}, "B": dict.fromkeys(range(14), 1.0) | {14: 0.9}},
    "two, one after the other": {
        "A": {0: 1.0, 3: 2.0, 4: 2.0},
        "B": {0: 1.0, 1: 1.0, 4: 2.0},
        "C": {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.98, 4: 0.97},
    },
    "every other day": {"A": {0: 1.0, 2: 2.0, 4: 4.0, 6: 8.0}, "B": {n: 0.99**n for n in range(7)}},
    "at a shop that was closed meanwhile": {"A": {0: 1.0, 8: 2.0}, "B": {0: 1.0, 7: 1.0, 8: 0.99}},
    "of a leaving and an entering product": {
        "A": {0: 4.0, 1: 4.0, 5: 9.0}, "B": {0: 1.0, 1: 1.0, 2: 0.9}, "C": {2: 1.0, 5: 1.1},
    },
    "with a week between": {"A": {0: 1.0, 14: 2.0, 15: 2.0}, "B": {0: 1.0, 7: 1.0, 14: 0.99, 15: 0.99}},
    "over months": {"A": {0: 1.0, 62: 3.0}, "B": {0: 1.0, 31: 1.0, 62: 0.98}},
}  # fmt: skip


@pytest.mark.parametrize("steps", RETURNS.values(), ids=RETURNS.keys())
def test_no_matched_model_is_against_the_return_of_a_product(steps: Steps) -> None:
    quotes = _quotes([(name, _days(n)[0], price) for name, prices in steps.items() for n, price in prices.items()])
    directions = _directions(quotes)
    against = directions.filter(pl.col("status") == "against")
    # clusters match nothing: over months their mean may move against the products
    assert set(against["recipe"]) <= {"clip"}
    assert directions.height > 0


def test_a_chain_upside_down_is_marked_where_a_product_returns() -> None:
    # by hand: A is compared with day 1, when the index was 1, and B with day 2: all changes are rises
    steps = {"A": {0: 1.0, 1: 1.0, 3: 2.0}, "B": {0: 1.0, 1: 1.0, 2: 1.1, 3: 1.1}}
    quotes = _quotes([(name, _days(n)[0], price) for name, prices in steps.items() for n, price in prices.items()])
    right = [1.0, 1.0, 1.1, (2.0 * 1.1) ** 0.5]
    assert _judged(right, [0] * 4, quotes) == [(3, 2, 0, "along")]
    assert _judged([1 / level for level in right], [0] * 4, quotes) == [(3, 2, 2, "against")]


GAPS = st.lists(st.lists(st.sampled_from([None, 1.0, 1.25, 1.5, 3.0]), min_size=8, max_size=8), min_size=2, max_size=3)


@settings(max_examples=60, deadline=None)
@given(panel=GAPS)
def test_chains_over_gaps_are_never_against(panel: list[list[float | None]]) -> None:
    rows = [
        (f"P{n}", date(2016, 8, 1 + day), price)
        for n, row in enumerate(panel)
        for day, price in enumerate(row)
        if price is not None
    ]
    if not rows:
        return
    directions = _directions(_quotes(rows), [recipe_named("web_daily"), recipe_named("ons_pilot_2015")])
    chains = directions.filter(pl.col("method").is_in(["jevons_chained", "chained_daily"]))
    assert "against" not in set(chains["status"])


def test_nothing_gives_nothing() -> None:
    prices = _prices([1.0, 2.0])
    assert directions_of(_elementary([1.0], [0]).clear(), prices.clear()).is_empty()
    assert directions_of(_elementary([1.0, 2.0], [0, 0]), prices.clear(), []).is_empty()
    assert directions_of(_elementary([1.0, 2.0], [0, 0]), prices, []).is_empty()


AUGUST = date(2016, 8, 1)
GAPPED = st.lists(st.lists(st.sampled_from([None, 1.0, 1.25, 1.5]), min_size=40, max_size=40), min_size=2, max_size=4)


@settings(max_examples=25, deadline=None)
@given(panel=GAPPED, start=st.integers(-60, 30))
def test_bounds_of_a_month_depend_on_the_days_in_view_alone(panel: list[list[float | None]], start: int) -> None:
    rows = [
        (f"P{n}", AUGUST + timedelta(days=start + day), price)
        for n, row in enumerate(panel)
        for day, price in enumerate(row)
        if price is not None
    ]
    if not rows:
        return
    quotes = with_entry(_quotes(rows))
    first, last = days_compared(AUGUST, RECIPES)
    in_view = quotes.filter(pl.col("collected_on").is_between(first, last))
    bounds = price_change_bounds(quotes, RECIPES, AUGUST)
    assert bounds.equals(price_change_bounds(in_view.reverse(), RECIPES, AUGUST))
    assert set(bounds["month"]) <= {AUGUST}


def test_the_view_of_a_month_by_hand() -> None:
    # links of 14 days: 28 days before August are in July, whose first day is a Friday; weeks begin on Monday, 27 June
    assert days_compared(AUGUST, RECIPES) == (date(2016, 6, 27), date(2016, 9, 13))
    # links of 60 days: 120 days before 1 August is 3 April, a Sunday
    assert days_compared(AUGUST, recipes_with_link_window(60)) == (date(2016, 3, 28), date(2016, 9, 13))


def test_bounds_by_hand() -> None:
    # A doubles on the 2nd, and is away on the 3rd; B falls by a half on the 3rd, and stays
    steps = {"A": {0: 1.0, 1: 2.0, 3: 2.0}, "B": {0: 4.0, 1: 4.0, 2: 2.0, 3: 2.0}}
    quotes = _quotes([(name, _days(n)[0], price) for name, prices in steps.items() for n, price in prices.items()])
    bounds = price_change_bounds(with_entry(quotes), [recipe_named("web_daily")], AUGUST)
    double = math.log(2.0)
    chain = bounds.filter(pl.col("comparison") == "links daily all 14").sort("period")
    # on the 4th, A is compared with its price of the 2nd: no change since, less the fall of the index on the 3rd
    assert chain.select("least", "largest", "same_products").rows() == [
        (0.0, pytest.approx(double), True),
        (pytest.approx(-double), pytest.approx(-double), True),
        (0.0, pytest.approx(double), True),
    ]
    fixed = bounds.filter(pl.col("comparison") == "same_products daily all 0").sort("period")
    assert fixed["same_products"].to_list() == [True, False, False]


def test_links_from_before_the_view_leave_the_bounds_unknown() -> None:
    # in view from 27 June: A may have had a link to 1 July from before it, so that of B over that day is unknown
    steps = {"A": [date(2016, 6, 28), date(2016, 7, 9)], "B": [date(2016, 6, 29), date(2016, 7, 12)]}
    rows = [(name, day, 1.0 + day.day) for name, days in steps.items() for day in days]
    quotes = _quotes(
        [*rows, ("B", date(2016, 7, 21), 3.0), ("A", date(2016, 8, 1), 4.0), ("A", date(2016, 7, 20), 9.0)]
    )
    bounds = price_change_bounds(with_entry(quotes), [recipe_named("web_daily")], AUGUST)
    chain = bounds.filter(pl.col("comparison") == "links daily all 14")
    assert chain.select("period", "least", "largest", "same_products").rows() == [(AUGUST, None, None, False)]


def test_a_day_that_begins_no_month_is_refused() -> None:
    with pytest.raises(ValueError, match=r"month: found .*2016, 8, 2.*, expected the first day of a month"):
        price_change_bounds(with_entry(_prices([1.0])), RECIPES, date(2016, 8, 2))
