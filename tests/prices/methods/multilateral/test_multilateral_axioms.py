"""The axioms that multilateral methods pass or fail: the register, tested both ways, and the table of the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.multilateral.geary_khamis import geary_khamis_windows
from ons_bigdata.prices.methods.multilateral.geks import geks_windows
from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from ons_bigdata.prices.methods.multilateral.registry import AXIOMS, ENTRIES
from ons_bigdata.prices.methods.multilateral.time_product_dummy import time_product_dummy_windows
from ons_bigdata.prices.methods.multilateral.windows import WindowOf
from ons_bigdata.prices.methods.panels.price_panel import PricePanel
from ons_bigdata.settings import PROJECT_ROOT
from tests.prices.methods.random_panels import every_way, index, panels

if TYPE_CHECKING:
    from pathlib import Path

quickly = settings(max_examples=15, deadline=None)

FAILS = {
    f"{entry.name}, {weights}" if weights else entry.name: fails
    for entry in ENTRIES
    for weights, fails in entry.fails.items()
}
METHODS = tuple(FAILS)


def windows_of(method: str, panel: PricePanel) -> WindowOf:
    if method == "geary_khamis":
        return geary_khamis_windows(panel)
    if method.startswith("time_product_dummy"):
        return time_product_dummy_windows(panel, method.partition(", ")[2])
    return geks_windows(panel, method.removeprefix("geks_"), "null")


def levels(method: str, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Index of each period, 1 in the first, of T×N prices and quantities; a price of 0 is an absent product."""
    panel = PricePanel(list(range(len(p))), list(range(p.shape[1])), p, np.where(p > 0, q, 0.0), p > 0)
    window = windows_of(method, panel)(0, len(p))
    assert window.faults == {}
    return np.exp(window.log_levels[:, 0] - window.log_levels[0, 0])


def gaps(method: str, p: np.ndarray, q: np.ndarray) -> dict[str, float]:
    """By how much a method misses each axiom on a panel whose first product is there in each period."""
    there, last = p > 0, len(p) - 1
    factors = 1 + 0.3 * (np.arange(len(p)) * 3 % 5)
    units = 2.0 ** (np.arange(p.shape[1]) * 5 % 7 - 3)
    still = np.where(there, p[0] + (p[0] == 0) * 7, 0.0)
    dearer = np.where((np.arange(len(p))[:, None] == last) & (np.arange(p.shape[1]) == 0), 1.1 * p, p)
    index, turned = levels(method, p, q), np.r_[1 : len(p), 0]
    again = levels(method, p[turned], q[turned])  # the first period comes last
    relatives = np.divide(p[last], p[0], where=there[0], out=np.ones(p.shape[1]))
    return {
        "identity": np.abs(levels(method, still, q) - 1).max(),
        "common change": np.abs(levels(method, still * factors[:, None], q) / factors - 1).max(),
        "direction": np.abs(levels(method, p * factors[:, None], q) / (index * factors) - 1).max(),
        "commensurability": np.abs(levels(method, p * units, q / units) / index - 1).max(),
        "time reversal": np.abs(levels(method, p[::-1], q[::-1])[::-1] * index[last] / index - 1).max(),
        "transitivity": np.abs(again / again[-1] / index[turned] - 1).max(),
        "mean value": max(relatives.min() / index[last] - 1, index[last] / relatives.max() - 1) if there.all() else 0.0,
        "monotonicity": index[last] / levels(method, dearer, q)[last] - 1 if there.all() else 0.0,
    }


def axioms_in(page: Path) -> dict[str, dict[str, bool]]:
    """Axiom → method → does it hold, from the second table of the page."""
    lines = [line.strip("| \n") for line in page.read_text(encoding="utf-8").splitlines()]
    rows = [[cell.strip(" *`") for cell in line.split("|")] for line in lines if line.count("|") == len(AXIOMS)]
    header = next(row for row in rows if row[0] == "method")
    table = [row for row in rows if row[0] in METHODS]
    assert [set(row[1:]) - {"yes", "no"} for row in table] == [set()] * len(METHODS)
    return {axiom: {row[0]: row[n] == "yes" for row in table} for n, axiom in enumerate(header[1:], start=1)}


TABLE = {axiom: {method: axiom not in FAILS[method] for method in METHODS} for axiom in AXIOMS}
MONEY = st.integers(20, 500).map(lambda pence: pence / 100)


@st.composite
def markets(draw) -> tuple[np.ndarray, np.ndarray]:
    """Prices and quantities of 2 to 5 periods and 1 to 4 products; half of the markets have gaps."""
    shape = (draw(st.integers(2, 5)), draw(st.integers(1, 4)))
    p, q = (draw(arrays(np.float64, shape, elements=MONEY, fill=st.nothing())) for _ in range(2))
    if draw(st.booleans()):
        absent = draw(arrays(np.bool_, shape))
        absent[:, 0] = False
        p = np.where(absent, 0.0, p)
    return p, q


EXTREMES = arrays(np.float64, (2, 3, 3), elements=st.sampled_from([0.05, 0.3, 1.0, 2.0, 12.0]), fill=st.nothing())
searching = settings(max_examples=2000, phases=[Phase.generate], database=None, deadline=None, derandomize=True)


def test_the_table_of_the_docs_is_that_of_the_register():
    assert axioms_in(PROJECT_ROOT / "docs" / "prices" / "indices" / "axioms.md") == TABLE
    assert all(set(fails) <= set(AXIOMS) for fails in FAILS.values())


@pytest.mark.parametrize("method", METHODS)
@quickly
@given(markets())
def test_axioms_that_hold(method, market):
    missed = gaps(method, *market)
    assert {a: size for a, size in missed.items() if TABLE[a][method] and size > 1e-10} == {}


@pytest.mark.parametrize(
    ("axiom", "method"), [(axiom, name) for axiom, all_ in TABLE.items() for name, holds in all_.items() if not holds]
)
def test_axioms_that_fail_have_a_counterexample(axiom, method):
    market = find(EXTREMES, lambda m: gaps(method, *m)[axiom] > 1e-4, settings=searching)
    assert gaps(method, *market)[axiom] > 1e-4


@every_way
@quickly
@given(panel=panels, seed=st.integers(0, 999))
def test_rows_may_come_in_any_order(method, options, panel, seed):
    quotes = panel.quotes()
    shuffled = quotes.sample(fraction=1.0, shuffle=True, seed=seed)
    options = {"quantity": "quantity", **options}
    assert_frame_equal(multilateral_index(quotes, method, **options), multilateral_index(shuffled, method, **options))


@every_way
@quickly
@given(panel=panels, seed=st.integers(0, 999))
def test_transitivity_whatever_the_order_of_the_periods(method, options, panel, seed):
    order = np.random.default_rng(seed).permutation(len(panel.m))
    before = np.array(index(panel.quotes(), method, **options))
    after = np.array(index(panel.quotes(order=order), method, **options))[order]
    assert after / after[0] == pytest.approx(before, rel=1e-11)


@every_way
def test_a_single_product_gives_its_relatives(method, options):
    p = np.array([[2.0], [3.0], [1.0]])
    name = ", ".join([method, *options.values()]) if method == "time_product_dummy" else method
    assert levels(name, p, np.array([[3.0], [4.0], [5.0]])) == pytest.approx([1.0, 1.5, 0.5], rel=1e-14)
