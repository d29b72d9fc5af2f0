"""Weighted forms: with weights 1 the index itself, with whole weights the index of products that many times over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral.clip import ClipParameters
from ons_bigdata.prices.methods.bilateral.index import bilateral_index
from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from ons_bigdata.prices.methods.recipes.blocks.base_means import base_means
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
from ons_bigdata.prices.methods.recipes.elementary import elementary_index, movement_parts, shelf_clusters, stratum_form
from ons_bigdata.prices.methods.recipes.forms import ClusterJevons, RatioOfSums
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS, carried_chain, fixed_base, linked_chain
from ons_bigdata.prices.methods.recipes.formulas import window_form as recipe_window_form
from ons_bigdata.prices.methods.recipes.panels import UNDECIDED, Periods, Stratum
from ons_bigdata.prices.methods.recipes.window_forms import GeksJevonsForm, TimeProductDummyForm, WindowForm
from tests.prices.methods.recipes.jevons_oracle import chained_jevons

START = date(2016, 7, 1)
NOTHING = np.array([])
"""Levels and segments for forms that need none."""


def panel(seed: int, periods: int = 9, products: int = 8, *, share: float = 0.75) -> np.ndarray:
    """Draw prices, periods x products, 0 where absent; product 0 is always there, so that all periods are linked."""
    generator = np.random.default_rng(seed)
    prices = np.exp(generator.normal(0.0, 0.2, (periods, products)) + generator.normal(0.0, 1.0, products))
    prices[generator.random(prices.shape) > share] = 0.0
    prices[:, 0] = np.exp(generator.normal(0.0, 0.2, periods))
    return prices


def frame(prices: np.ndarray) -> pl.DataFrame:
    rows, columns = np.nonzero(prices)
    return pl.DataFrame({"period": rows, "product": columns, "price": prices[rows, columns]})


def repeated(prices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each product as many times as its weight says."""
    return np.repeat(prices, weights.astype(int), axis=1)


def logs_of(prices: np.ndarray) -> np.ndarray:
    return np.log(np.where(prices > 0, prices, 1.0))


def ones(prices: np.ndarray) -> np.ndarray:
    return np.ones((1, prices.shape[1]))


def window_form(prices: np.ndarray, method: str, window: int | None, splice: str) -> WindowForm:
    present = prices > 0
    kind = {"geks_jevons": GeksJevonsForm, "time_product_dummy": TimeProductDummyForm}[method]
    return kind(list(range(len(prices))), logs_of(prices) * present, present, window, splice)


def by_library(prices: np.ndarray, method: str, window: int | None, splice: str) -> np.ndarray:
    """Index of all periods, 1 in the first that has a product."""
    first = int(prices.any(axis=1).argmax())
    weights = {"weights": "none"} if method == "time_product_dummy" else {}
    chosen = {"window": window, "splice": splice} if window is not None else {}
    calendar = list(range(first, len(prices)))
    table = multilateral_index(frame(prices), method, calendar=calendar, **chosen, **weights)
    table = pl.DataFrame({"period": range(len(prices))}).join(table, on="period", how="left", maintain_order="left")
    return table["index"].fill_null(np.nan).to_numpy()


@pytest.mark.parametrize("formula", ["jevons", "dutot", "carli"])
@pytest.mark.parametrize("seed", range(3))
def test_fixed_base_forms_are_the_bilateral_formulas(formula: str, seed: int) -> None:
    prices = panel(seed)
    form = fixed_base(formula, prices, np.arange(len(prices)) == 0)
    levels, segments = form.replicates(ones(prices))
    expected = bilateral_index(frame(prices), formula)["index"].to_numpy()
    np.testing.assert_allclose(levels[:, 0], expected, rtol=1e-12)
    assert (segments == 0).all()


def test_an_unknown_formula_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown formula 'fisher'; known: jevons, dutot, carli"):
        fixed_base("fisher", panel(0), np.arange(9) == 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.sampled_from([0.2, 0.6, 0.9]))
def test_a_chain_with_whole_weights_is_the_oracle_on_products_many_times_over(
    seed: int, window: int, share: float
) -> None:
    generator = np.random.default_rng(seed)
    prices = panel(seed, share=share)
    prices[:, 0] *= generator.random(len(prices)) < share
    weights = generator.multinomial(8, np.full(8, 1 / 8), size=3).astype(float)
    levels, segments = linked_chain(logs_of(prices), prices > 0, window).replicates(weights)
    for row, drawn in enumerate(weights):
        copies = repeated(prices, drawn)
        dated = {
            f"P{n}": {START + timedelta(days=int(t)): float(copies[t, n]) for t in np.flatnonzero(copies[:, n])}
            for n in range(copies.shape[1])
        }
        expected = chained_jevons(dated, window)
        here = np.flatnonzero(segments[:, row] >= 0)
        assert [START + timedelta(days=int(t)) for t in here] == list(expected)
        assert segments[here, row].tolist() == [level.segment for level in expected.values()]
        np.testing.assert_allclose(levels[here, row], [level.level for level in expected.values()], rtol=1e-12)


WINDOWED = pytest.mark.parametrize("method", ["geks_jevons", "time_product_dummy"])
SPLICED = pytest.mark.parametrize(
    ("window", "splice"), [(None, "none"), (4, "movement"), (4, "window"), (4, "mean_published")]
)


@WINDOWED
@SPLICED
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.15, 0.4, 0.75]))
def test_levels_are_the_multilateral_index_and_the_replicate_of_unit_weights(
    method: str, window: int | None, splice: str, seed: int, share: float
) -> None:
    prices = panel(seed, share=share)
    prices[1:, 0] *= np.random.default_rng(seed).random(len(prices) - 1) < share
    prices = prices[: np.flatnonzero(prices.any(axis=1))[-1] + 1]
    form = window_form(prices, method, window, splice)
    levels, reasons = form.indices()
    assert [reason is None for reason in reasons] == np.isfinite(levels).tolist()
    if form.is_spliced or window is None:
        np.testing.assert_allclose(levels, by_library(prices, method, window, splice), rtol=1e-12)
    replicates, segments = form.replicates(ones(prices))
    np.testing.assert_array_equal(replicates[:, 0], levels)
    assert (segments[:, 0] >= 0).tolist() == np.isfinite(levels).tolist()


@WINDOWED
@SPLICED
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.15, 0.4, 0.75]))
def test_windows_with_whole_weights_are_those_of_products_many_times_over(
    method: str, window: int | None, splice: str, seed: int, share: float
) -> None:
    prices = panel(seed, share=share)
    weights = np.array([[1, 2, 0, 3, 1, 0, 1, 0], [0, 1, 1, 1, 2, 1, 1, 1], [2, 0, 0, 0, 0, 6, 0, 0]], dtype=float)
    computed = window_form(prices, method, window, splice).replicates(weights)[0]
    for row, drawn in enumerate(weights):
        copies = repeated(prices, drawn)
        first = int(copies.any(axis=1).argmax())
        if window is not None and first > 0:
            continue  # the first window of the library begins in the sample's first period, not in that of all products
        expected = by_library(copies, method, window, splice)
        np.testing.assert_allclose(computed[first:, row], expected[first:], rtol=1e-10)
        assert np.isnan(computed[:first, row]).all()


@WINDOWED
def test_a_replicate_has_no_level_beyond_a_break_of_its_links_and_never_one(method: str) -> None:
    prices = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 3.0, 0.0, 0.0], [2.0, 0.0, 3.0, 5.0], [4.0, 0.0, 6.0, 0.0]])
    # The second has no product that links the third period, the third and fourth begin with that period.
    weights = np.array([[1.0, 1.0, 1.0, 0.0], [0.0, 2.0, 1.0, 0.0], [0.0, 0.0, 2.0, 1.0], [0.0, 0.0, 0.0, 3.0]])
    levels, segments = window_form(prices, method, None, "none").replicates(weights)
    assert np.isfinite(levels[:, 0]).all()
    np.testing.assert_allclose(levels[:, 1], [1.0, 3.0, np.nan, np.nan])
    np.testing.assert_allclose(levels[:, 2], [np.nan, np.nan, 1.0, 2.0])
    np.testing.assert_allclose(levels[:, 3], [np.nan, np.nan, 1.0, np.nan])
    assert segments[:, 1].tolist() == [0, 0, -1, -1]


@pytest.mark.parametrize("seed", range(3))
def test_the_other_forms_with_whole_weights_are_those_of_products_many_times_over(seed: int) -> None:
    prices = panel(seed)
    weights = np.random.default_rng(seed).multinomial(8, np.full(8, 1 / 8), size=5).astype(float)
    weights[:, 0] += 1
    base = np.arange(len(prices)) == 0

    def levels(of: np.ndarray, with_weights: np.ndarray, cluster: np.ndarray) -> list[np.ndarray]:
        present, logs = of > 0, logs_of(of)
        members = cluster[:, None] == np.arange(3)
        forms = [
            linked_chain(logs, present, 3),
            carried_chain(logs, present, 2),
            fixed_base("jevons", of, base),
            fixed_base("dutot", of, base),
            fixed_base("carli", of, base),
            RatioOfSums(of, present.astype(float), present),
            ClusterJevons(logs * present, present, members, base_means(of, base)),
        ]
        return [form.replicates(with_weights)[0] for form in forms]

    cluster = np.arange(8) % 3
    together = levels(prices, weights, cluster)
    for row, own in enumerate(weights):
        copies = repeated(prices, own)
        alone = levels(copies, ones(copies), np.repeat(cluster, own.astype(int)))
        for computed, expected in zip(together, alone, strict=True):
            there = np.isfinite(expected[:, 0])
            assert (there == np.isfinite(computed[:, row])).all()
            np.testing.assert_allclose(computed[there, row], expected[there, 0], rtol=1e-11)


def test_carrying_forward_by_hand() -> None:
    # Milk is away on day 1 and comes back dearer on day 2: carried, then its whole change; eggs double on day 1.
    prices = np.array([[1.0, 1.0], [0.0, 2.0], [4.0, 2.0]])
    levels = carried_chain(logs_of(prices), prices > 0, 1).replicates(ones(prices))[0][:, 0]
    assert levels.tolist() == pytest.approx([1.0, 2**0.5, 2**0.5 * 2])
    linked = linked_chain(logs_of(prices), prices > 0, 14).replicates(ones(prices))[0][:, 0]
    # Not carried: only eggs count on day 1; on day 2 milk is compared with the index of day 0, √(4 · 2).
    assert linked.tolist() == pytest.approx([1.0, 2.0, 8**0.5])


def test_parts_by_hand_of_a_chain() -> None:
    # Day 2: milk is back at 4 times its price of day 0, while the index went from 1 to 2: the correction is a gap.
    prices = np.array([[1.0, 1.0], [0.0, 2.0], [4.0, 3.0]])
    form = linked_chain(logs_of(prices), prices > 0, 14)
    levels, segments = (array[:, 0] for array in form.replicates(ones(prices)))
    parts = form.parts(np.array([-1, 0, 1]), levels, segments)
    assert parts[1].tolist() == pytest.approx([np.log(2), 0.0, 0.0])
    assert parts[2].tolist() == pytest.approx([np.log(1.5) / 2, 0.0, np.log(4 / 2) / 2])
    assert parts[2].sum() == pytest.approx(np.log(levels[2] / levels[1]))


OPTIONS = {
    "chained_jevons": {"link_window_days": 3},
    "carried_jevons": {"carry_days": 2},
    "fixed_base": {"item_formulas": ((0, "carli"),)},
    "geks_jevons": {"window": 4, "splice": "mean_published"},
    "time_product_dummy": {"window": 4, "splice": "window"},
    "clusters": {"clip": ClipParameters()},
}


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_parts_of_every_elementary_movement_add_up(formula: str, seed: int) -> None:
    prices = panel(seed, share=0.6)
    size = len(prices)
    output = RecipeOutput("m", "daily", formula, **OPTIONS.get(formula, {}))
    stratum = Stratum(
        "tesco", 1, [f"P{n}" for n in range(8)], prices, np.full(prices.shape, UNDECIDED), np.arange(1.0, 9.0)
    )
    days = [START + timedelta(days=n) for n in range(size)]
    periods = Periods("daily", days, np.arange(size), np.arange(size) == 0, "base")
    form = stratum_form(stratum, prices, output, periods, shelf_clusters(stratum, periods, output))
    index = elementary_index(form)
    assert np.isfinite(index.indices).all()
    movement = np.diff(np.log(index.indices))
    same = index.segments[1:] == index.segments[:-1]
    np.testing.assert_allclose(
        movement_parts(form, index.indices, index.segments)[1:].sum(axis=1)[same], movement[same], atol=1e-10
    )


def test_parts_by_hand_of_a_fixed_base() -> None:
    # Day 1: milk +10 % is the price part; tea (never seen again) leaves at 2 times its base: that is churn.
    prices = np.array([[1.0, 1.0], [1.0, 2.0], [1.1, 0.0]])
    parts = fixed_base("jevons", prices, np.arange(3) == 0).parts(np.array([-1, 0, 1]), NOTHING, NOTHING)
    assert parts[1].tolist() == pytest.approx([np.log(2) / 2, 0.0, 0.0])
    assert parts[2].tolist() == pytest.approx([np.log(1.1), -np.log(2) / 2, 0.0])
    # The same with tea back on day 3: its leaving is a gap.
    back = np.vstack([prices, [[1.1, 2.0]]])
    parts = fixed_base("jevons", back, np.arange(4) == 0).parts(np.array([-1, 0, 1, 2]), NOTHING, NOTHING)
    assert parts[2].tolist() == pytest.approx([np.log(1.1), 0.0, -np.log(2) / 2])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.05, 0.15, 0.4]), days=st.sampled_from([1, 2, 5]))
def test_segments_of_a_chain_are_those_of_the_replicate_of_unit_weights(seed: int, share: float, days: int) -> None:
    prices = panel(seed, share=share)
    prices *= np.random.default_rng(seed).random((len(prices), 1)) < 0.7
    form = linked_chain(np.log(np.where(prices > 0, prices, 1.0)), prices > 0, days)
    assert form.segments.tolist() == form.replicates(ones(prices))[1][:, 0].tolist()


@WINDOWED
def test_windows_begin_anew_where_none_compares_the_two_sides(method: str) -> None:
    kind = GeksJevonsForm if method == "geks_jevons" else TimeProductDummyForm
    weeks = [START + timedelta(days=7 * n) for n in range(12)]
    prices = np.zeros((12, 4))
    prices[:3, :2] = [[1.0, 2.0], [1.1, 2.0], [1.1, 2.2]]
    prices[6:9, :2] = [[2.0, 4.0], [2.0, 4.0], [2.2, 4.4]]  # the same products, as many weeks later as a window holds
    prices[9:, 2:] = [[5.0, 1.0], [6.0, 1.2], [5.0, 1.0]]  # other products
    periods = Periods("weekly", weeks, np.arange(12), np.arange(12) == 0, None)
    form = recipe_window_form(kind, prices, periods, window=4, splice="movement")
    assert form.segments.tolist() == [0, 0, 0, -1, -1, -1, 1, 1, 1, 2, 2, 2]
    indices, reasons = form.indices(Past.none(1))
    np.testing.assert_allclose(indices[6:], [1.0, 1.0, 1.1, 1.0, 1.2, 1.0])
    assert reasons == [None] * 12
    np.testing.assert_allclose(form.replicates(ones(prices))[0][:, 0], indices)
    assert form.replicates(ones(prices))[1][:, 0].tolist() == form.segments.tolist()
    parts = form.parts(np.array([-1, 0, 1, -1, -1, -1, 2, 6, 7, 8, 9, 10]), indices, form.segments)
    np.testing.assert_allclose(parts[[7, 8, 10, 11], 0], np.log([1.0, 1.1, 1.2, 1 / 1.2]), atol=1e-12)
    assert np.isnan(parts[[0, 3, 4, 5, 6, 9]]).all()
    # a week less between them, and the window that ends in the later one links them
    shorter = replace(periods, starts=weeks[:8])
    closer = recipe_window_form(kind, np.delete(prices, 4, axis=0)[:8], shorter, window=4, splice="movement")
    assert closer.segments.tolist() == [0] * 8
    assert closer.indices(Past.none(1))[1][3:5] == [f"no product in period {week}" for week in weeks[3:5]]
