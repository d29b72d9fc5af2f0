"""Multilateral indices: independent loops, examples by hand, gaps and options. Axioms: `test_multilateral_axioms`."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral import FORMULAS as BILATERAL
from ons_bigdata.prices.methods.bilateral import UNWEIGHTED, WEIGHTED_BY_THIRD_PERIOD, bilateral_index
from ons_bigdata.prices.methods.multilateral import METHODS, fews_index, multilateral_index
from tests.prices.methods.random_panels import COLUMNS, WAYS, Panel, every_way, index, panels

quickly = settings(max_examples=15, deadline=None)

# --- independent loops ---


def pair_by_definition(formula: str, p0, q0, p1, q1) -> float:
    """Give the log of a bilateral index over matched products, from the textbook."""
    logs, s0, s1 = np.log(p1 / p0), p0 * q0 / (p0 * q0).sum(), p1 * q1 / (p1 * q1).sum()
    if formula == "jevons":
        return logs.mean()
    if formula == "tornqvist":
        return ((s0 + s1) / 2 * logs).sum()
    if formula == "fisher":
        return math.log((p1 @ q0) / (p0 @ q0) * (p1 @ q1) / (p0 @ q1)) / 2
    return math.log((p1 @ np.sqrt(q0 * q1)) / (p0 @ np.sqrt(q0 * q1)))


@quickly
@given(panels, st.sampled_from(["fisher", "tornqvist", "jevons", "walsh"]))
def test_geks_agrees_with_the_loop_over_pairs(panel, formula):
    periods = range(len(panel.m))
    logs = np.zeros((len(periods), len(periods)))
    for i in periods:
        for j in periods:
            both = panel.m[i] & panel.m[j]
            logs[i, j] = pair_by_definition(
                formula, panel.p[i, both], panel.q[i, both], panel.p[j, both], panel.q[j, both]
            )
    expected = [math.exp(np.mean([logs[0, k] + logs[k, t] for k in periods])) for t in periods]
    for incomplete in ("null", "least_squares"):
        found = index(panel.quotes(), f"geks_{formula}", incomplete=incomplete)
        assert found == pytest.approx(expected, rel=1e-12)


@quickly
@given(panels, st.sampled_from([name for name in BILATERAL if name not in WEIGHTED_BY_THIRD_PERIOD]))
def test_geks_of_any_formula_agrees_with_bilateral_indices_from_every_period(panel, formula):
    options = {"lloyd_moulton": {"sigma": 0.7}, "quadratic_mean": {"order": 3}}.get(formula, {})
    quotes, periods = panel.quotes(), range(len(panel.m))
    from_each = [
        bilateral_index(quotes, formula, base_period=k, quantity="quantity", **options)["index"].to_list()
        for k in periods
    ]
    expected = [math.exp(np.mean([math.log(row[t] / row[0]) for row in from_each])) for t in periods]
    for incomplete in ("null", "least_squares"):
        found = index(quotes, f"geks_{formula}", incomplete=incomplete, **options)
        assert found == pytest.approx(expected, rel=1e-11)


def test_geks_of_time_product_dummies_with_mean_shares_is_that_of_tornqvists():
    quotes = Panel(5).quotes()
    found = index(quotes, "geks_time_product_dummy", weights="average")
    assert found == pytest.approx(index(quotes, "geks_tornqvist"), rel=1e-12)


@quickly
@given(panels, st.sampled_from(["shares", "levels", "none"]))
def test_the_time_product_dummy_agrees_with_a_regression_on_dummies(panel, weights):
    rows = np.argwhere(panel.m)
    t, n = rows.T
    values = np.where(panel.m, panel.p * panel.q, 0.0)
    weight = {"none": panel.m * 1.0, "levels": values, "shares": values / values.sum(axis=1, keepdims=True)}[weights]
    roots = np.sqrt(weight[t, n] / weight.max())
    dummies = np.concatenate([np.eye(panel.m.shape[0])[t][:, 1:], np.eye(panel.m.shape[1])[n]], axis=1)
    design = dummies[:, dummies.any(axis=0)] * roots[:, None]
    effects = np.linalg.lstsq(design, np.log(panel.p[t, n]) * roots, rcond=None)[0]
    expected = [1.0, *np.exp(effects[: panel.m.shape[0] - 1])]
    # The dense regression itself is good to some eight digits where weights differ much.
    assert index(panel.quotes(), "time_product_dummy", weights=weights) == pytest.approx(expected, rel=1e-8)


@quickly
@given(panels)
def test_geary_khamis_satisfies_its_equations(panel):
    level = np.array(index(panel.quotes(), "geary_khamis"))[:, None]
    q = np.where(panel.m, panel.q, 0.0)
    values = panel.p * q
    found = q.sum(axis=0) > 0
    reference = (values / level).sum(axis=0)[found] / q.sum(axis=0)[found]
    again = values.sum(axis=1) / (q[:, found] @ reference)
    assert again == pytest.approx(level[:, 0] * again[0], rel=1e-11)


# --- examples by hand ---


def test_geks_jevons_by_hand():
    # Tea is new in period 1. Pairs: 0-1 milk ×2; 1-2 milk ×2 and tea ×8, mean ×4; 0-2 milk ×4, directly.
    # x_1 - x_0 = (ln 2 + ln 2 + (ln 4 - ln 4))/3 = ⅔ ln 2; x_2 - x_0 = (2 ln 4 + ln 2 + ln 4)/3 = 7/3 ln 2.
    rows = [(0, "milk", 1.0), (1, "milk", 2.0), (1, "tea", 1.0), (2, "milk", 4.0), (2, "tea", 8.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS[:3], orient="row")
    found = multilateral_index(quotes, "geks_jevons")["index"].to_list()
    assert found == pytest.approx([1.0, 2 ** (2 / 3), 2 ** (7 / 3)], rel=1e-14)


def test_the_time_product_dummy_by_hand():
    # Milk ×2 with weights 3 and 1, tea ×8 with 1 and 1. Of two periods, a product weighs w0·w1/(w0+w1): ¾ and ½.
    rows = [(0, "milk", 1.0, 3.0), (1, "milk", 2.0, 0.5), (0, "tea", 1.0, 1.0), (1, "tea", 8.0, 0.125)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    levels = index(quotes, "time_product_dummy", weights="levels")[1]
    assert levels == pytest.approx(2 ** ((0.75 * 1 + 0.5 * 3) / 1.25), rel=1e-14)
    # Shares: milk ¾ and ½: 0.3; tea ¼ and ½: 1/6.
    assert index(quotes, "time_product_dummy")[1] == pytest.approx(2 ** ((0.3 + 3 / 6) / (0.3 + 1 / 6)), rel=1e-14)
    assert index(quotes, "time_product_dummy", weights="none")[1] == pytest.approx(4.0, rel=1e-14)


def test_geary_khamis_by_hand():
    # Of two periods, Σ w p_1 / Σ w p_0 with w = q0 q1/(q0+q1): ½ of each. (2+8)/(1+1).
    rows = [(t, n, p, 1.0) for t, n, p in [(0, "a", 1.0), (0, "b", 1.0), (1, "a", 2.0), (1, "b", 8.0)]]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    assert index(quotes, "geary_khamis") == pytest.approx([1.0, 5.0], rel=1e-14)


# --- no overlap, gaps, calendars ---


def split_quotes() -> pl.DataFrame:
    """Periods 0 and 1 share product a, 2 and 3 product b; nothing links them."""
    rows = [(t, "a" if t < 2 else "b", 1.0 + t, 1.0) for t in range(4)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@every_way
def test_an_unlinked_part_is_null_with_a_reason(method, options):
    table = multilateral_index(split_quotes(), method, quantity="quantity", **options)
    assert table["index"].to_list() == [1.0, pytest.approx(2.0, rel=1e-14), None, None]
    assert table["reason"].to_list()[2:] == [f"no chain of shared products links period {t} to 0" for t in (2, 3)]


def test_geks_wants_every_pair_unless_told_otherwise():
    # 0-1 share a (×2), 1-2 share b (×3), 0-2 nothing.
    rows = [(0, "a", 1.0, 1.0), (1, "a", 2.0, 1.0), (1, "b", 1.0, 1.0), (2, "b", 3.0, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, "geks_fisher", quantity="quantity")
    assert table["index"].to_list() == [None, None, None]
    assert set(table["reason"]) == {
        "periods 0 and 2 have no bilateral index, which GEKS needs of each pair in the window"
    }
    found = index(quotes, "geks_fisher", incomplete="least_squares")
    assert found == pytest.approx([1.0, 2.0, 6.0], rel=1e-14)
    assert index(quotes, "time_product_dummy") == pytest.approx([1.0, 2.0, 6.0], rel=1e-14)
    assert index(quotes, "geary_khamis") == pytest.approx([1.0, 2.0, 6.0], rel=1e-14)


@pytest.mark.parametrize(("method", "options"), [WAYS[4], WAYS[6]])
@pytest.mark.parametrize("small", [1e-6, 1e-40])
def test_a_link_of_small_expenditure_is_not_lost(method, options, small):
    # b alone links period 0 to the others, with an expenditure that is nothing beside what links them.
    rows = [(0, "a", 9.0, 1.0), (0, "b", 1.0, small), (1, "b", 2.0, small), (1, "c", 1.0, 1.0), (2, "c", 1.5, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    assert index(quotes, method, **options) == pytest.approx([1.0, 2.0, 3.0], rel=1e-14)


@pytest.mark.parametrize(("method", "options"), [WAYS[4], WAYS[6]])
def test_a_link_of_expenditure_0_is_null(method, options):
    # The product of price and quantity is below the smallest number there is.
    rows = [(0, "a", 9.0, 1.0), (0, "b", 1e-200, 1e-200), (1, "b", 2e-200, 1e-200), (1, "c", 1.0, 1.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, method, quantity="quantity", **options)
    assert table["index"].to_list() == [None, None]
    assert all("singular" in reason for reason in table["reason"])


def test_a_month_without_quotes_does_not_shift_the_window():
    days = [date(2020 + m // 12, m % 12 + 1, 1) for m in range(10)]
    rows = [(day, "a", 1.0 + k, 1.0) for k, day in enumerate(days) if k != 6]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    table = multilateral_index(quotes, "geks_jevons", window=4, splice="movement")
    assert table["period"].to_list() == days
    assert table["period"].dtype == pl.Date
    assert table["index"].to_list() == [pytest.approx(1.0 + k) if k != 6 else None for k in range(10)]
    assert table["reason"][6] == "no product in period 2020-07-01"
    # With a window of 2 the month before the gap is out of reach.
    table = multilateral_index(quotes, "geks_jevons", window=2, splice="movement")
    assert table["index"].to_list()[6:] == [None] * 4


def test_only_a_window_asks_for_the_periods_between():
    def periods(days, **options):
        quotes = pl.DataFrame({"period": days, "product": "a", "price": 1.0})
        return multilateral_index(quotes, "geks_jevons", **options)["period"].to_list()

    movement = {"window": 2, "splice": "movement"}
    weeks = [date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 22)]
    every_week = pl.date_range(weeks[0], weeks[-1], "1w", eager=True)
    assert periods(weeks) == weeks
    assert periods(weeks, **movement) == periods(weeks, **movement, calendar=every_week) == every_week.to_list()
    assert periods(weeks, **movement, calendar=weeks) == weeks
    assert periods([3, 6]) == [3, 6]
    assert periods([3, 5, 6], **movement) == [3, 4, 5, 6]
    assert periods(["x", "b"], window=2) == ["b", "x"]
    assert periods([0.5, 2.0], window=2) == [0.5, 2.0]
    with pytest.raises(ValueError, match="period 2024-01-22 of the quotes is missing"):
        periods(weeks, calendar=weeks[:2])
    with pytest.raises(ValueError, match="periods do not ascend"):
        periods(weeks, calendar=[*weeks, weeks[0]])


def renamed(quotes: pl.DataFrame, periods: list) -> pl.DataFrame:
    return quotes.with_columns(period=pl.Series([periods[t] for t in quotes["period"]]))


MONTHS = [(2019 + m // 12, m % 12 + 1) for m in range(7, 16)]
NAMES = {
    "YYYYMM": [100 * y + m for y, m in MONTHS],
    "YYYYMMDD": [10_000 * y + 100 * m + 1 for y, m in MONTHS],
    "text": [f"{y}-{m:02}" for y, m in MONTHS],
    "months": [date(y, m, 1) for y, m in MONTHS],
    "datetimes": [datetime.combine(date(y, m, 1), time(9, 30)) for y, m in MONTHS],
    "quarters": [date(2019 + q // 4, q % 4 * 3 + 1, 1) for q in range(9)],
    "years": [date(2010 + y, 1, 1) for y in range(9)],
    "weeks": [date(2023, 12, 4) + timedelta(days=7 * w) for w in range(9)],
    "days": [date(2023, 12, 28) + timedelta(days=d) for d in range(9)],
    "floats": [float(t) for t in range(9)],
    "ISO weeks": [202350, 202351, 202352, 202401, 202402, 202403, 202404, 202405, 202406],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_window_counts_the_same_whatever_the_periods_are_called(name):
    # 9 periods, of which the fifth has no quotes.
    random = np.random.default_rng(3)
    rows = [(t, f"p{n}", float(random.lognormal()), 1.0) for t in range(9) if t != 4 for n in range(4)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    options = {"window": 5, "splice": "movement"}
    expected = multilateral_index(quotes, "geks_jevons", **options)
    found = multilateral_index(renamed(quotes, NAMES[name]), "geks_jevons", **options)
    assert found["period"].to_list() == NAMES[name]
    assert found["index"].to_list() == expected["index"].to_list()
    assert found["index"].null_count() == 1


@pytest.mark.parametrize("name", ["YYYYMM", "text", "datetimes"])
def test_decembers_are_known_by_their_names(name):
    quotes = pl.DataFrame({"period": range(9), "product": "a", "price": [1.0 + t for t in range(9)]})
    options = {"splice": "fixed_base_expanding", "expanding": "fbew_december"}
    found = multilateral_index(renamed(quotes, NAMES[name]), "geks_jevons", **options)
    given = multilateral_index(renamed(quotes, NAMES[name]), "geks_jevons", **options, base_periods=[NAMES[name][4]])
    assert found.equals(given)


def test_no_quotes_give_no_rows():
    quotes = pl.DataFrame(schema={"period": pl.Date, "product": pl.String, "price": pl.Float64, "quantity": pl.Float64})
    for method, options in WAYS:
        table = multilateral_index(quotes, method, quantity="quantity", **options)
        assert table.schema == {"period": pl.Date, "index": pl.Float64, "reason": pl.String}
        assert table.is_empty()
    options = {"window": 2, "splice": "fixed_base_moving", "first_value": "window_end"}
    for bases in ({}, {"base_periods": [date(2020, 12, 1)]}):
        assert multilateral_index(quotes, "geks_jevons", **options, **bases).is_empty()


def test_one_period_is_1_in_every_way():
    for method, options in WAYS:
        assert index(split_quotes().head(1), method, **options) == [1.0]


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
    found = index(quotes, "time_product_dummy", weights=weights, duplicates="rows")
    assert found == pytest.approx([1.0, *np.exp(effects[:3])], rel=1e-10)
    assert found != pytest.approx(index(quotes, "time_product_dummy", weights=weights, duplicates="unit_value"))
    with pytest.raises(ValueError, match="has an earlier row"):
        index(quotes, "time_product_dummy", weights=weights)


def test_rows_stay_in_their_periods_where_the_calendar_has_others():
    rows = [(0, "a", 1.0), (0, "a", 4.0), (2, "a", 6.0), (3, "a", 9.0), (3, "a", 16.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS[:3], orient="row")
    table = fews_index(quotes, window=4, first_value="window_start")
    assert table["index"].to_list() == [1.0, None, pytest.approx(3.0), pytest.approx(6.0)]


@every_way
def test_matching_by_window_leaves_out_what_is_not_there_throughout(method, options):
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
    found = index(quotes, method, **spliced)
    part = quotes.filter(pl.col("period").is_between(3, 5))
    last = index(part, method, **options)
    assert found[5] / found[4] == pytest.approx(last[2] / last[1], rel=1e-12)
    first = index(without.filter(pl.col("period") < 3), method, **options)
    assert found[:3] == first


def test_matching_by_window_passes_over_an_empty_period_and_says_where_nothing_stays():
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
    found = multilateral_index(quotes, "geks_time_product_dummy", weights="none")["index"].to_list()
    assert found == pytest.approx(multilateral_index(quotes, "geks_jevons")["index"].to_list(), rel=1e-12)


# --- options ---


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("geks_pasche", {}, r"unknown method 'geks_pasche'; known: geks_fisher, .*time_product_dummy"),
        ("geks_lowe", {}, "unknown method 'geks_lowe'"),
        ("geks_lloyd_moulton", {}, "lloyd_moulton: option sigma is missing"),
        ("geks_fisher", {"sigma": 2}, "unknown option of geks_fisher"),
        ("geks_time_product_dummy", {"weights": "levels"}, "unknown weights: 'levels'; known: shares, average, none"),
        ("geks_fisher", {"splice": "mvmt", "window": 2}, "unknown splice 'mvmt'; known: movement, window, half, mean"),
        (
            "geks_fisher",
            {"weights": "shares"},
            r"unknown option of geks_fisher .*'weights'; known: calendar.*incomplete",
        ),
        ("geks_fisher", {"incomplete": "drop"}, "unknown incomplete 'drop'; known: null, least_squares"),
        ("time_product_dummy", {"weights": "share"}, "unknown weights 'share'; known: shares, levels, none"),
        ("geks_fisher", {"first_value": "end"}, "unknown first_value 'end'; known: window_start, window_end"),
        ("geks_fisher", {"duplicates": "first"}, "unknown duplicates:? 'first'; known: error, unit_value"),
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
def test_what_is_unknown_or_does_not_fit_is_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        index(split_quotes(), method, **options)


WEIGHTLESS = {f"geks_{formula}" for formula in (*UNWEIGHTED, "lloyd_moulton", "quadratic_mean")}


@pytest.mark.parametrize("method", [method for method in METHODS if method not in WEIGHTLESS])
def test_quantities_are_asked_for(method):
    with pytest.raises(ValueError, match=rf"{method}: no quantities.* expected a quantity column"):
        multilateral_index(split_quotes(), method)


@pytest.mark.parametrize("method", ["geks_fisher", "geks_tornqvist", "geary_khamis", "time_product_dummy"])
def test_a_product_that_is_never_sold_has_no_influence_where_unsold_products_count(method):
    quotes = Panel(5).quotes()
    never = pl.DataFrame([(t, "never", 1.0 + t, 0.0) for t in quotes["period"].unique()], schema=COLUMNS, orient="row")
    found = index(pl.concat([quotes, never]), method, missing="unsold")
    assert found == pytest.approx(index(quotes, method), rel=1e-13)


def test_a_movement_splice_of_windows_of_two_is_the_chained_index():
    panel = Panel(7)
    found = index(panel.quotes(), "geks_fisher", window=2, splice="movement")
    steps = []
    for i, j in pairwise(range(len(panel.m))):
        both = panel.m[i] & panel.m[j]
        steps.append(
            pair_by_definition("fisher", panel.p[i, both], panel.q[i, both], panel.p[j, both], panel.q[j, both])
        )
    assert found == pytest.approx([1.0, *np.exp(np.cumsum(steps))], rel=1e-12)


def test_the_fews_has_its_own_conventions():
    quotes = next(panel for seed in range(99) if len((panel := Panel(seed)).m) > 5).quotes()
    table = fews_index(quotes, window=4, splice="half", quantity="quantity")
    conventions = {"weights": "levels", "half_position": "old_window", "first_value": "window_end"}
    assert table["index"].to_list() == index(quotes, "time_product_dummy", window=4, splice="half", **conventions)
    assert table["index"][3] == 1.0
    unweighted = fews_index(quotes, window=4)
    assert unweighted["index"].to_list() == index(
        quotes, "time_product_dummy", window=4, splice="window", weights="none", first_value="window_end"
    )
