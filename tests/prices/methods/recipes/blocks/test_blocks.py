"""Elementary indices by blocks of periods: any split gives what one block of all periods gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.recipes.blocks.base_means import base_means
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.blocks.views import may_start, periods_ahead, periods_before
from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput, recipe_named
from ons_bigdata.prices.methods.recipes.forms import ClusterJevons, Form, RatioOfSums
from ons_bigdata.prices.methods.recipes.formulas import carried_chain, fixed_base, linked_chain
from tests.prices.methods.recipes.blocks.block_panels import PRODUCTS, cuts, drawn_weights, gapped_panel

PERIODS = 30
DAYS = 5
CHAINED = RecipeOutput("m", "daily", "chained_jevons", link_window_days=DAYS)
CARRIED = RecipeOutput("m", "daily", "carried_jevons", carry_days=DAYS)
UNIT_PRICE = RecipeOutput("m", "daily", "unit_price")
ONES = np.ones((1, PRODUCTS))


def logs_of(prices: np.ndarray) -> np.ndarray:
    return np.log(np.where(prices > 0, prices, 1.0))


def forms_of(prices: np.ndarray) -> dict[str, tuple[RecipeOutput, Callable[[np.ndarray], Form]]]:
    """The forms without windows, built from the prices of a view; what is compared with a base has it of all prices."""
    base = base_means(prices, np.arange(len(prices)) < 7)
    members = np.arange(PRODUCTS)[:, None] % 3 == np.arange(3)
    return {
        "chained": (CHAINED, lambda view: linked_chain(logs_of(view), view > 0, DAYS)),
        "carried": (CARRIED, lambda view: carried_chain(logs_of(view), view > 0, DAYS)),
        "unit price": (UNIT_PRICE, lambda view: RatioOfSums(view, (view > 0).astype(float), view > 0)),
        **{
            formula: (UNIT_PRICE, lambda view, formula=formula: fixed_base(formula, view, base))
            for formula in ("jevons", "dutot", "carli")
        },
        "clusters": (UNIT_PRICE, lambda view: ClusterJevons(logs_of(view), view > 0, members, base)),
    }


def by_blocks(
    prices: np.ndarray, weights: np.ndarray, form: tuple[RecipeOutput, Callable[[np.ndarray], Form]], blocks: list
) -> tuple[np.ndarray, np.ndarray]:
    """Indices and segments, block by block, each from the prices of its view and the past alone."""
    output, build = form
    past, indices, segments = Past.none(len(weights)), [], []
    opened = np.flatnonzero((prices > 0).any(axis=1))
    for start, stop in blocks:
        # of resamples the last period with a quote may have no level
        last = int(opened[opened < start].max(initial=-1))
        first = periods_before(output, start, last, with_parts=False)
        view = prices[first : stop + periods_ahead(output, with_parts=False)]
        computed = build(view).continued(weights, Block(first, start, stop), past)
        past = computed.past
        indices.append(computed.indices)
        segments.append(computed.segments)
    return np.concatenate(indices), np.concatenate(segments)


@pytest.mark.parametrize("name", forms_of(np.zeros((PERIODS, PRODUCTS))))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), blocks=cuts(PERIODS))
def test_any_split_into_blocks_gives_the_index_of_one_block(name: str, seed: int, blocks: list) -> None:
    prices = gapped_panel(seed, PERIODS)
    output, build = forms_of(prices)[name]
    for weights in (ONES, drawn_weights(seed)):
        whole, numbers = build(prices).replicates(weights)
        indices, segments = by_blocks(prices, weights, (output, build), blocks)
        np.testing.assert_array_equal(segments, numbers)
        np.testing.assert_allclose(indices, whole, rtol=1e-12)


def test_a_chain_over_two_blocks_by_hand() -> None:
    # Milk 1, 2 and eggs 1, 1: √2. In the second block milk is away, eggs double since period 1: 2√2; then milk is back
    # at 4 times its price of period 1, where the index was √2: √(4√2 · 2√2) = 4.
    prices = np.array([[1.0, 1.0], [2.0, 1.0], [0.0, 2.0], [8.0, 2.0]])
    first = linked_chain(logs_of(prices[:2]), prices[:2] > 0, 2).continued(
        np.ones((1, 2)), Block(0, 0, 2), Past.none(1)
    )
    assert first.indices[:, 0].tolist() == pytest.approx([1.0, 2**0.5])
    assert first.past.rows.tolist() == [0, 1]
    assert first.past.newest.tolist() == [0]
    second = linked_chain(logs_of(prices), prices > 0, 2).continued(np.ones((1, 2)), Block(0, 2, 4), first.past)
    assert second.indices[:, 0].tolist() == pytest.approx([2**1.5, 4.0])
    assert second.past.rows.tolist() == [2, 3]


def test_a_link_to_a_period_that_the_past_lacks_is_refused() -> None:
    prices = np.ones((4, 2))
    form = linked_chain(logs_of(prices), prices > 0, 2)
    with pytest.raises(ValueError, match="past: no level of period 11, to which prices of 12 link"):
        form.continued(np.ones((1, 2)), Block(10, 12, 14), Past.none(1))


def test_a_past_that_does_not_end_before_the_block_is_refused() -> None:
    prices = np.ones((4, 2))
    form = linked_chain(logs_of(prices), prices > 0, 2)
    past = form.continued(np.ones((1, 2)), Block.whole(4), Past.none(1)).past
    with pytest.raises(ValueError, match="found a level of period 3, expected periods before the block's 3"):
        form.continued(np.ones((1, 2)), Block(0, 3, 4), past)


@pytest.mark.parametrize("numbers", [(2, 1, 3), (0, 3, 2), (-1, 0, 1)])
def test_a_block_outside_of_its_view_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected 0 <= view <= start <= stop"):
        Block(*numbers)


def test_a_past_of_other_shapes_is_refused() -> None:
    with pytest.raises(ValueError, match="rows x replicates"):
        Past(np.array([1, 2]), np.ones((1, 1)), np.zeros((1, 1), dtype=np.int64), np.array([0]))
    with pytest.raises(ValueError, match="expected ascending numbers"):
        Past(np.array([2, 1]), np.ones((2, 1)), np.zeros((2, 1), dtype=np.int64), np.array([0]))


def test_views_by_hand() -> None:
    assert periods_before(CHAINED, 100, 90, with_parts=True) == 95
    assert periods_before(CARRIED, 100, 90, with_parts=True) == 85
    assert periods_before(CARRIED, 100, -1, with_parts=True) == 100
    assert periods_before(UNIT_PRICE, 100, 90, with_parts=False) == 100
    assert periods_before(UNIT_PRICE, 100, 90, with_parts=True) == 76
    assert periods_ahead(UNIT_PRICE, with_parts=False) == 0
    assert periods_ahead(UNIT_PRICE, with_parts=True) == 14
    (fews,) = recipe_named("fews").outputs
    assert periods_before(fews, 100, 99, with_parts=True) == 100 - 24
    assert periods_ahead(fews, with_parts=True) == 12
    (monthly,) = recipe_named("ons_2026").outputs
    # on the published series no old window is needed; the filter of large relatives needs one month more
    assert periods_before(monthly, 100, 99, with_parts=False) == 100 - 25 - 1
    assert periods_ahead(monthly, with_parts=False) == 24
    assert [may_start(monthly, start) for start in (0, 1, 24, 25)] == [True, False, False, True]
    assert may_start(CHAINED, 1)
