"""Elementary indices of recipes by blocks: levels, reasons, products, revisions and parts are those of one block."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral.clip import ClipParameters
from ons_bigdata.prices.methods.recipes.blocks.base_means import base_means
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.blocks.views import RETURN_PERIODS, periods_ahead, periods_before
from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
from ons_bigdata.prices.methods.recipes.elementary import (
    StratumForm,
    block_form,
    cluster_numbers,
    elementary_index,
    movement_parts,
    shelf_clusters,
)
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS, base_rows
from ons_bigdata.prices.methods.recipes.panels import UNDECIDED, Periods, Stratum, without_large_relatives
from tests.prices.methods.recipes.blocks.block_panels import PRODUCTS, cuts, drawn_weights, gapped_panel

PERIODS = 34
MONDAY = date(2016, 7, 4)
OUTPUTS = {
    "chained": RecipeOutput("m", "weekly", "chained_jevons", link_window_days=5),
    "carried": RecipeOutput("m", "weekly", "carried_jevons", carry_days=4, relative_limit=1.2),
    "base week": RecipeOutput("m", "weekly", "base_week_jevons"),
    "carli": RecipeOutput("m", "weekly", "fixed_base", item_formulas=((0, "carli"),), relative_limit=1.2),
    "unit price": RecipeOutput("m", "weekly", "unit_price"),
    "clusters": RecipeOutput("m", "weekly", "clusters", clip=ClipParameters()),
    "geks movement": RecipeOutput("m", "weekly", "geks_jevons", window=5, splice="movement"),
    "geks mean published": RecipeOutput(
        "m", "weekly", "geks_jevons", window=4, splice="mean_published", relative_limit=1.2
    ),
    "geks half": RecipeOutput("m", "weekly", "geks_jevons", window=3, splice="half"),
    "dummy window": RecipeOutput("m", "weekly", "time_product_dummy", window=5, splice="window"),
    "dummy mean": RecipeOutput("m", "weekly", "time_product_dummy", window=2, splice="mean"),
    "dummy window published": RecipeOutput("m", "weekly", "time_product_dummy", window=4, splice="window_published"),
}
SIZES = np.array([1.0, 2.0, np.nan, 0.5, 1.0, np.nan, 3.0])
WEEKS = [MONDAY + timedelta(days=7 * n) for n in range(PERIODS)]


def periods_of(first: int, stop: int) -> Periods:
    base = (np.arange(first, stop) >= 2) & (np.arange(first, stop) < 4)
    return Periods("weekly", WEEKS[first:stop], np.arange(stop - first), base, "base")


def stratum_of(prices: np.ndarray) -> Stratum:
    names = [f"P{n}" for n in range(PRODUCTS)]
    return Stratum("tesco", 1, names, prices, np.full(prices.shape, UNDECIDED), SIZES)


class Blocks:
    """A panel and its forms, of all periods at once and of a block from the prices of its view."""

    def __init__(self, output: RecipeOutput, prices: np.ndarray) -> None:
        self.output, self.prices, periods = output, prices, periods_of(0, PERIODS)
        self.cluster_of = shelf_clusters(stratum_of(prices), periods, output)
        limit = output.relative_limit
        entering = prices if limit is None else without_large_relatives(prices, limit)
        rows = periods.base if output.formula == "base_week_jevons" else base_rows(entering > 0, periods.base)
        self.base = base_means(entering, rows)

    def whole(self) -> StratumForm:
        return block_form(
            stratum_of(self.prices), self.prices, self.output, periods_of(0, PERIODS), cluster_of=self.cluster_of
        )

    def block(self, start: int, stop: int, past: Past, *, with_parts: bool = True) -> StratumForm:
        first = periods_before(self.output, start, past.last, with_parts=with_parts)
        end = min(stop + periods_ahead(self.output, with_parts=with_parts), PERIODS)
        view = self.prices[first:end]
        return block_form(
            stratum_of(view), view, self.output, periods_of(first, end),
            block=Block(first, start, stop), past=past, cluster_of=self.cluster_of, base=self.base,
        )  # fmt: skip


@pytest.mark.parametrize("name", OUTPUTS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), blocks=cuts(PERIODS))
def test_any_split_into_blocks_gives_the_elementary_index_of_one_block(name: str, seed: int, blocks: list) -> None:
    panel = Blocks(OUTPUTS[name], gapped_panel(seed, PERIODS))
    whole = panel.whole()
    expected = elementary_index(whole)
    parts = movement_parts(whole, expected.indices, expected.segments)
    past = Past.none(1)
    for start, stop in blocks:
        form = panel.block(start, stop, past)
        index = elementary_index(form)
        rows = slice(start, stop)
        np.testing.assert_array_equal(index.segments, expected.segments[rows])
        np.testing.assert_allclose(index.indices, expected.indices[rows], rtol=1e-11)
        assert index.reasons == expected.reasons[rows]
        np.testing.assert_array_equal(index.used, expected.used[rows])
        np.testing.assert_array_equal(form.segments, whole.segments[rows])
        np.testing.assert_array_equal(form.left_out, whole.left_out[rows])
        np.testing.assert_allclose(index.revisions, expected.revisions[rows], atol=1e-11)
        of_block = movement_parts(form, index.indices, index.segments)
        np.testing.assert_allclose(of_block, parts[rows], atol=1e-11)
        past = index.past


@pytest.mark.parametrize("name", OUTPUTS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), blocks=cuts(PERIODS))
def test_any_split_into_blocks_gives_the_replicates_of_one_block(name: str, seed: int, blocks: list) -> None:
    """Views are those without parts of movements, which are the shortest."""
    panel = Blocks(OUTPUTS[name], gapped_panel(seed, PERIODS))
    weights, whole = drawn_weights(seed), panel.whole()
    levels, segments = whole.replicates(weights)
    expected = elementary_index(whole)
    published, past = Past.none(1), Past.none(len(weights))
    for start, stop in blocks:
        form = panel.block(start, stop, published, with_parts=False)
        computed, index = form.continued(weights, past), elementary_index(form)
        np.testing.assert_array_equal(computed.segments, segments[start:stop])
        np.testing.assert_allclose(computed.indices, levels[start:stop], rtol=1e-11)
        np.testing.assert_allclose(index.indices, expected.indices[start:stop], rtol=1e-11)
        np.testing.assert_allclose(index.revisions, expected.revisions[start:stop], atol=1e-11)
        np.testing.assert_array_equal(form.segments, whole.segments[start:stop])
        assert index.reasons == expected.reasons[start:stop]
        published, past = index.past, computed.past


def test_every_formula_is_tried() -> None:
    assert {output.formula for output in OUTPUTS.values()} == FORMULAS.keys()
    assert RETURN_PERIODS["weekly"] < PERIODS


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), start=st.integers(1, PERIODS - 1))
def test_a_product_has_the_cluster_number_of_the_whole_history_in_every_block(seed: int, start: int) -> None:
    prices, output = gapped_panel(seed, PERIODS), OUTPUTS["clusters"]
    stratum, periods = stratum_of(prices), periods_of(0, PERIODS)
    expected = shelf_clusters(stratum, periods, output)
    assert expected is not None
    in_base = base_means(prices, base_rows(prices > 0, periods.base)).quotes > 0
    first_prices = prices[(prices > 0).argmax(axis=0), np.arange(PRODUCTS)]
    # the columns of a block: its own products and those of the base
    columns = np.flatnonzero((prices[start:] > 0).any(axis=0) | in_base)
    of_block = replace(
        stratum,
        products=[stratum.products[n] for n in columns],
        prices=prices[start:, columns],
        judged=stratum.judged[start:, columns],
        pack_sizes=SIZES[columns],
    )
    numbers = cluster_numbers(of_block, first_prices[columns], in_base[columns], output)
    assert numbers is not None
    assert numbers.tolist() == expected[columns].tolist()


def test_a_view_that_is_too_short_is_refused() -> None:
    prices = np.ones((PERIODS, PRODUCTS))
    past = elementary_index(Blocks(OUTPUTS["geks movement"], prices).block(0, 20, Past.none(1))).past
    view = stratum_of(prices[14:])

    def form(name: str, first: int, past: Past) -> StratumForm:
        of = prices[first:]
        return block_form(
            view, of, OUTPUTS[name], periods_of(first, PERIODS), block=Block(first, 20, 25), past=past,
            base=base_means(prices, np.arange(PERIODS) < 4),
        )  # fmt: skip

    with pytest.raises(ValueError, match="found a view from period 14, expected from 12 for windows of 5"):
        form("geks movement", 14, past)
    with pytest.raises(ValueError, match="found a view from period 14, expected from 11 for parts of movements"):
        of_carli = form("carli", 14, past)
        index = elementary_index(of_carli)
        movement_parts(of_carli, index.indices, index.segments)
