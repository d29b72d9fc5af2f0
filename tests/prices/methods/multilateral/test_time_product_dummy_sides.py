"""The time-product dummy with more periods than products, where periods are concentrated out, against least squares."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.multilateral.time_product_dummy import (
    levels_by_products,
    levels_of_network,
    network_levels,
    time_product_dummy_windows,
)
from ons_bigdata.prices.methods.multilateral.windows import (
    overlap,
    overlap_components,
    summed_products,
    summed_squares,
)
from ons_bigdata.prices.methods.panels.price_panel import PricePanel
from tests.prices.methods.random_panels import COLUMNS, index

PERIODS, PRODUCTS = 14, 5


def random_panel(seed: int, share: float) -> PricePanel:
    generator = np.random.default_rng(seed)
    presence = generator.random((PERIODS, PRODUCTS)) < share
    prices = np.where(presence, np.exp(generator.normal(0.0, 0.3, presence.shape)), 0.0)
    quantities = np.where(presence, np.exp(generator.normal(0.0, 2.0, presence.shape)), 0.0)
    return PricePanel(list(range(PERIODS)), list(range(PRODUCTS)), prices, quantities, presence)


def regressed(panel: PricePanel, weights: np.ndarray) -> np.ndarray:
    """Period effects by least squares on dummies; only their differences within a component are identified."""
    t, n = np.nonzero(panel.presence)
    rows = np.arange(len(t))
    design = np.zeros((len(t), PERIODS + PRODUCTS))
    design[rows, t] = design[rows, PERIODS + n] = 1.0
    roots = np.sqrt(weights[t, n])
    return np.linalg.lstsq(design * roots[:, None], np.log(panel.prices[t, n]) * roots, rcond=None)[0][:PERIODS]


@pytest.mark.parametrize("weights", ["none", "levels"])
@pytest.mark.parametrize("share", [0.12, 0.3, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_levels_are_those_of_the_regression_in_each_component(weights: str, share: float, seed: int) -> None:
    panel = random_panel(seed, share)
    weight = panel.presence * 1.0 if weights == "none" else panel.prices * panel.quantities
    window = time_product_dummy_windows(panel, weights)(0, PERIODS)
    effects, components = regressed(panel, weight), window.components[:, 0]
    there = panel.presence.any(axis=1)
    assert (np.isfinite(window.log_levels[:, 0]) == there).all()
    expected = effects - effects[np.maximum(components, 0)]
    np.testing.assert_allclose(window.log_levels[there, 0], expected[there], atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_both_sides_of_the_regression_agree(seed: int) -> None:
    panel = random_panel(seed, 0.4)
    ones = np.ones((1, PRODUCTS))
    components = overlap_components(overlap(panel.presence, ones)(0, PERIODS))
    logs = np.log(panel.prices, where=panel.presence, out=np.zeros(panel.prices.shape))
    by_products = levels_by_products(panel.presence * 1.0, logs, components)
    # With two replicates alike periods are solved for.
    by_periods = time_product_dummy_windows(panel, "none", np.ones((2, PRODUCTS)))(0, PERIODS).log_levels[:, :1]
    np.testing.assert_allclose(by_products, by_periods, atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_sums_of_flows_and_flows_give_the_same_levels_of_replicates(seed: int) -> None:
    panel, generator = random_panel(seed, 0.3), np.random.default_rng(seed)
    counts = generator.poisson(1.0, (7, PRODUCTS)).astype(np.float64)
    components = overlap_components(overlap(panel.presence, counts)(0, PERIODS))
    present = panel.presence * 1.0
    shares = present / present.sum(axis=0)
    links = summed_squares(shares, present, counts)
    np.testing.assert_allclose(links, summed_products(shares, present, counts), atol=1e-14)
    flows = links * generator.normal(0.0, 0.1, links.shape)
    flows -= flows.swapaxes(0, 1)
    sums = flows.sum(axis=1)
    by_flows = network_levels(links.copy(), flows, components, first=0.0)
    np.testing.assert_allclose(levels_of_network(links, sums, components), by_flows, atol=1e-12)


@pytest.mark.parametrize("small", [1e-6, 1e-40])
def test_a_link_of_small_expenditure_is_not_lost_among_fewer_products(small: float) -> None:
    # b alone links the first two periods to the others, with an expenditure that is nothing beside what links them.
    rows = [
        (0, "a", 9.0, 1.0), (1, "a", 9.0, 1.0), (1, "b", 1.0, small), (2, "b", 2.0, small), (2, "c", 1.0, 1.0),
        (3, "c", 1.5, 1.0),
    ]  # fmt: skip
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    found = index(quotes, "time_product_dummy", weights="levels")
    assert found == pytest.approx([1.0, 1.0, 2.0, 3.0], rel=1e-14)
