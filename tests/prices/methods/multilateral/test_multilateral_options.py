"""Multilateral indices: duplicates, matching, lazy frames, and options that are refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.bilateral.registry import UNWEIGHTED
from ons_bigdata.prices.methods.multilateral.index import fews_index, multilateral_index
from ons_bigdata.prices.methods.multilateral.registry import METHODS
from tests.prices.methods.random_panels import COLUMNS, Panel, every_way, index, split_quotes

# --- duplicates and matching ---


@pytest.mark.parametrize("weights", ["shares", "levels", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_duplicates_are_rows_of_the_regression(weights, seed):
    # Against a regression on dummies, row by row.
    random = np.random.default_rng(seed)
    t, n = random.integers(0, 4, 40), random.integers(0, 3, 40)
    t[:4], n[:4] = range(4), 0
    p, q = np.exp(random.normal(size=40)), np.exp(random.normal(size=40))
    quotes = pl.DataFrame({"period": t, "product": n, "price": p, "quantity": q})
    values = p * q
    weight = {"none": np.ones(40), "levels": values, "shares": values / np.bincount(t, values)[t]}[weights]
    design = np.concatenate([np.eye(4)[t][:, 1:], np.eye(3)[n]], axis=1) * np.sqrt(weight)[:, None]
    effects = np.linalg.lstsq(design, np.log(p) * np.sqrt(weight), rcond=None)[0]
    computed = index(quotes, "time_product_dummy", weights=weights, duplicates="rows")
    assert computed == pytest.approx([1.0, *np.exp(effects[:3])], rel=1e-10)
    assert computed != pytest.approx(index(quotes, "time_product_dummy", weights=weights, duplicates="unit_value"))
    with pytest.raises(ValueError, match="has an earlier row"):
        index(quotes, "time_product_dummy", weights=weights)


def test_rows_stay_in_their_periods_where_the_calendar_has_others():
    rows = [(0, "a", 1.0), (0, "a", 4.0), (2, "a", 6.0), (3, "a", 9.0), (3, "a", 16.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS[:3], orient="row")
    table = fews_index(quotes, window=4, first_value="window_start")
    assert table["index"].to_list() == [1.0, None, pytest.approx(3.0), pytest.approx(6.0)]


@every_way
def test_matching_by_window_drops_products_absent_in_any_period(method, options):
    # b has no price in period 1: it counts in windows that hold neither.
    rows = [
        (t, n, 1.0 + t * k, 1.0 + t**k)
        for t in range(6)
        for n, k in (("a", 1), ("b", 2), ("c", 3))
        if (t, n) != (1, "b")
    ]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    without = quotes.filter(pl.col("product") != "b")
    assert index(quotes, method, matching="window", **options) == index(without, method, **options)
    assert index(quotes, method, **options) != index(without, method, **options)
    spliced = {"window": 3, "splice": "movement", "matching": "window", **options}
    computed = index(quotes, method, **spliced)
    part = quotes.filter(pl.col("period").is_between(3, 5))
    last = index(part, method, **options)
    assert computed[5] / computed[4] == pytest.approx(last[2] / last[1], rel=1e-12)
    first = index(without.filter(pl.col("period") < 3), method, **options)
    assert computed[:3] == first


def test_matching_by_window_skips_an_empty_period_and_gives_a_reason_without_products():
    rows = [(0, "a", 1.0, 1.0), (2, "a", 2.0, 1.0), (2, "b", 1.0, 1.0), (3, "b", 2.0, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, "geks_jevons", matching="window", calendar=range(4))
    assert table["index"].null_count() == 4
    assert (
        table["reason"].to_list()
        == [f"no product {why}" for why in ("is there in every period of the window from 0", "in period 1")]
        + ["no product is there in every period of the window from 0"] * 2
    )
    rest = multilateral_index(quotes.filter(pl.col("period") < 3), "geks_jevons", matching="window", calendar=range(3))
    assert rest["index"].to_list() == [1.0, None, 2.0]


def test_a_lazy_frame_is_computed():
    quotes = Panel(5).quotes()
    assert multilateral_index(quotes.lazy(), "geks_jevons").equals(multilateral_index(quotes, "geks_jevons"))
    with pytest.raises(ValueError, match="quotes: found dict, expected a polars DataFrame or LazyFrame"):
        multilateral_index({}, "geks_jevons")  # type: ignore[arg-type]


def test_geks_of_unweighted_dummies_needs_no_quantities_and_is_that_of_jevons():
    quotes = Panel(5).quotes()
    computed = multilateral_index(quotes, "geks_time_product_dummy", weights="none")["index"].to_list()
    assert computed == pytest.approx(multilateral_index(quotes, "geks_jevons")["index"].to_list(), rel=1e-12)


# --- types of periods ---

LONDON = ZoneInfo("Europe/London")
SPRING = ["Mar", "Feb", "Jan"]  # in no order of the alphabet


@pytest.mark.parametrize(
    ("kind", "periods"),
    [
        (pl.UInt8, [7, 8, 9]),
        (pl.Float32, [1.0, 2.0, 3.0]),
        (pl.Decimal(6, 2), [Decimal(1), Decimal(2), Decimal(3)]),
        (
            pl.Datetime("ms", "Europe/London"),
            [datetime(2020, m, 1, tzinfo=ZoneInfo("Europe/London")) for m in (3, 4, 5)],
        ),
        (pl.Categorical(), ["2020-01", "2020-02", "2020-03"]),
        (pl.Enum(SPRING), SPRING),
    ],
    ids=str,
)
def test_periods_keep_their_type_and_its_order(kind, periods):
    numbers = split_quotes().filter(pl.col("period") < 2)
    numbers = pl.concat(
        [numbers, numbers.tail(1).with_columns(period=pl.lit(2, pl.Int64), price=pl.lit(6.0))]
    ).reverse()
    quotes = numbers.with_columns(pl.Series("period", [periods[t] for t in numbers["period"]], dtype=kind))
    for table in (
        multilateral_index(quotes, "geks_jevons", window=2, splice="movement"),
        bilateral_index(quotes, "jevons", base_period=periods[0]),
        bilateral_index(quotes, "jevons", "chained"),
    ):
        assert table.schema["period"] == kind
        assert table["period"].to_list() == periods
        assert table["index"].to_list() == pytest.approx([1.0, 2.0, 6.0])


# --- options ---


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("geks_pasche", {}, r"unknown method 'geks_pasche'; known: geks_fisher, .*time_product_dummy"),
        ("geks_lowe", {}, "unknown method 'geks_lowe'"),
        ("geks_lloyd_moulton", {}, "lloyd_moulton: option sigma is missing"),
        ("geks_fisher", {"sigma": 2}, "unknown option of geks_fisher"),
        ("geks_time_product_dummy", {"weights": "levels"}, "unknown weights 'levels'; known: shares, average, none"),
        ("geks_fisher", {"splice": "mvmt", "window": 2}, "unknown splice 'mvmt'; known: movement, window, half, mean"),
        (
            "geks_fisher",
            {"weights": "shares"},
            r"unknown option of geks_fisher .*'weights'; known: calendar.*incomplete",
        ),
        ("geks_fisher", {"incomplete": "drop"}, "unknown incomplete 'drop'; known: null, least_squares"),
        ("time_product_dummy", {"weights": "share"}, "unknown weights 'share'; known: shares, levels, none"),
        ("geks_fisher", {"first_value": "end"}, "unknown first_value 'end'; known: window_start, window_end"),
        ("geks_fisher", {"duplicates": "first"}, "unknown duplicates 'first'; known: error, unit_value"),
        ("geks_fisher", {"splice": "half", "window": 3, "half_position": "x"}, "unknown half_position 'x'; known: new"),
        ("geks_fisher", {"splice": "mean", "window": 3, "half_position": "x"}, "unknown option .*'half_position'"),
        ("geks_fisher", {"duplicates": "rows"}, "geks_fisher: duplicates is 'rows', which only time_product_dummy"),
        ("geks_fisher", {"matching": "once"}, "unknown matching 'once'; known: pair, window"),
        ("geks_fisher", {"splice": "mean", "window": 3.0}, "window: found 3.0, expected a whole number of periods"),
        ("geks_fisher", {"splice": "mean", "window": "3"}, "window: found '3', expected a whole number of periods"),
        ("geks_fisher", {"splice": "mean"}, "splice mean: window is missing"),
        ("geks_fisher", {"window": 3}, "splice is missing: window 3 is shorter than 4 periods; known: movement"),
        ("geks_fisher", {"splice": "mean", "window": 5}, "window: found 5, expected 2 to 4"),
        ("geks_fisher", {"splice": "mean", "window": 1}, "window: found 1, expected 2 to 4"),
        (
            "geks_fisher",
            {"splice": "half", "window": 2, "half_position": "old_window"},
            "window: found 2, expected 3 to 4",
        ),
        (
            "geks_fisher",
            {"splice": "fixed_base_expanding", "window": 3},
            "expanding is missing; known: fbew_december, fbew_window",
        ),
        (
            "geks_fisher",
            {"splice": "fixed_base_expanding", "window": 3, "expanding": "fbew_december"},
            "fbew_december expands from each base and takes none",
        ),
        (
            "geks_fisher",
            {"splice": "fixed_base_moving", "window": 3},
            "base_periods is missing: periods are int, only dates have Decembers",
        ),
        (
            "geks_fisher",
            {"splice": "fixed_base_moving", "window": 3, "base_periods": [9]},
            "base_periods: 9 is not a period; expected some of 0 to 3",
        ),
    ],
)
def test_unknown_and_inapplicable_options_are_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        index(split_quotes(), method, **options)


def test_one_period_has_no_window():
    with pytest.raises(ValueError, match="window: found 2, expected None; there are 1 periods"):
        index(split_quotes().head(1), "geks_fisher", window=2, splice="mean")


WEIGHTLESS = {f"geks_{formula}" for formula in (*UNWEIGHTED, "lloyd_moulton", "quadratic_mean")}


@pytest.mark.parametrize("method", [method for method in METHODS if method not in WEIGHTLESS])
def test_quantities_are_asked_for(method):
    with pytest.raises(ValueError, match=rf"{method}: no quantities.* expected a quantity column"):
        multilateral_index(split_quotes(), method)
