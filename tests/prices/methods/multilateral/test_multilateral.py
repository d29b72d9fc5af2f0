"""Multilateral indices: independent loops, examples by hand, conventions."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.bilateral.registry import WINDOWED
from ons_bigdata.prices.methods.multilateral.index import fews_index, multilateral_index
from tests.prices.methods.random_panels import COLUMNS, Panel, index, panels

quickly = settings(max_examples=15, deadline=None)

# --- independent loops ---


def pair_by_definition(formula: str, p0, q0, p1, q1) -> float:
    """Compute the log of a bilateral index over matched products, from the textbook."""
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
        computed = index(panel.quotes(), f"geks_{formula}", incomplete=incomplete)
        assert computed == pytest.approx(expected, rel=1e-12)


@quickly
@given(panels, st.sampled_from(WINDOWED))
def test_geks_of_any_formula_agrees_with_bilateral_indices_from_every_period(panel, formula):
    options = {"lloyd_moulton": {"sigma": 0.7}, "quadratic_mean": {"order": 3}}.get(formula, {})
    quotes, periods = panel.quotes(), range(len(panel.m))
    from_each = [
        bilateral_index(quotes, formula, base_period=k, quantity="quantity", **options)["index"].to_list()
        for k in periods
    ]
    expected = [math.exp(np.mean([math.log(row[t] / row[0]) for row in from_each])) for t in periods]
    for incomplete in ("null", "least_squares"):
        computed = index(quotes, f"geks_{formula}", incomplete=incomplete, **options)
        assert computed == pytest.approx(expected, rel=1e-11)


def test_geks_of_time_product_dummies_with_mean_shares_is_that_of_tornqvists():
    quotes = Panel(5).quotes()
    computed = index(quotes, "geks_time_product_dummy", weights="average")
    assert computed == pytest.approx(index(quotes, "geks_tornqvist"), rel=1e-12)


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
    computed = q.sum(axis=0) > 0
    reference = (values / level).sum(axis=0)[computed] / q.sum(axis=0)[computed]
    again = values.sum(axis=1) / (q[:, computed] @ reference)
    assert again == pytest.approx(level[:, 0] * again[0], rel=1e-11)


# --- examples by hand ---


def test_geks_jevons_by_hand():
    # Tea is new in period 1. Pairs: 0-1 milk ×2; 1-2 milk ×2 and tea ×8, mean ×4; 0-2 milk ×4, directly.
    # x_1 - x_0 = (ln 2 + ln 2 + (ln 4 - ln 4))/3 = ⅔ ln 2; x_2 - x_0 = (2 ln 4 + ln 2 + ln 4)/3 = 7/3 ln 2.
    rows = [(0, "milk", 1.0), (1, "milk", 2.0), (1, "tea", 1.0), (2, "milk", 4.0), (2, "tea", 8.0)]
    quotes = pl.DataFrame(rows, schema=COLUMNS[:3], orient="row")
    computed = multilateral_index(quotes, "geks_jevons")["index"].to_list()
    assert computed == pytest.approx([1.0, 2 ** (2 / 3), 2 ** (7 / 3)], rel=1e-14)


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


# --- conventions ---


@pytest.mark.parametrize("method", ["geks_fisher", "geks_tornqvist", "geary_khamis", "time_product_dummy"])
def test_a_product_that_is_never_sold_has_no_influence_where_unsold_products_count(method):
    quotes = Panel(5).quotes()
    never = pl.DataFrame([(t, "never", 1.0 + t, 0.0) for t in quotes["period"].unique()], schema=COLUMNS, orient="row")
    computed = index(pl.concat([quotes, never]), method, missing="unsold")
    assert computed == pytest.approx(index(quotes, method), rel=1e-13)


def test_a_movement_splice_of_windows_of_two_is_the_chained_index():
    panel = Panel(7)
    computed = index(panel.quotes(), "geks_fisher", window=2, splice="movement")
    steps = []
    for i, j in pairwise(range(len(panel.m))):
        both = panel.m[i] & panel.m[j]
        steps.append(
            pair_by_definition("fisher", panel.p[i, both], panel.q[i, both], panel.p[j, both], panel.q[j, both])
        )
    assert computed == pytest.approx([1.0, *np.exp(np.cumsum(steps))], rel=1e-12)


def test_the_conventions_of_the_fews():
    quotes = next(panel for seed in range(99) if len((panel := Panel(seed)).m) > 5).quotes()
    table = fews_index(quotes, window=4, splice="half", quantity="quantity")
    conventions = {"weights": "levels", "half_position": "old_window", "first_value": "window_end"}
    assert table["index"].to_list() == index(quotes, "time_product_dummy", window=4, splice="half", **conventions)
    assert table["index"][3] == 1.0
    unweighted = fews_index(quotes, window=4)
    assert unweighted["index"].to_list() == index(
        quotes, "time_product_dummy", window=4, splice="window", weights="none", first_value="window_end"
    )
