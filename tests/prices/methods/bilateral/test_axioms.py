"""The axioms that each bilateral formula passes or fails: the register, tested both ways, and the table of the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ons_bigdata.prices.methods.bilateral import registry
from ons_bigdata.prices.methods.bilateral.registry import FORMULAS, REGISTER
from ons_bigdata.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path

quickly = settings(max_examples=30, deadline=None)


OPTIONS = {"lloyd_moulton": {"sigma": 0.7}, "quadratic_mean": {"order": 3}}


def p_of(formula: str, p0, p1, q0, q1, pb, qb) -> float:
    entry = REGISTER[formula]
    more = {"prices": (), "quantities": (q0, q1), "weights_period": (pb, qb)}[entry.takes]
    return entry.compute(p0, p1, *more, **OPTIONS.get(formula, {}))


def gaps(formula: str, market: np.ndarray) -> dict[str, float]:
    """By how much the formula misses each axiom; prices of periods 0, 1, 2, b in rows 0 to 3, then quantities."""
    p0, p1, p2, pb, q0, q1, q2, qb = market
    u = 7 * p2
    dearer = np.where(np.arange(len(p1)) == 0, 1.1 * p1, p1)

    def index(p0, p1, q0, q1) -> float:
        return p_of(formula, p0, p1, q0, q1, pb, qb)

    there = index(p0, p1, q0, q1)
    return {
        "identity": abs(index(p0, p0, q0, q1) - 1),
        "proportionality": abs(index(p0, 2.5 * p1, q0, q1) / (2.5 * there) - 1),
        "commensurability": abs(p_of(formula, p0 / u, p1 / u, q0 * u, q1 * u, pb / u, qb * u) / there - 1),
        "time reversal": abs(there * index(p1, p0, q1, q0) - 1),
        "circularity": abs(there * index(p1, p2, q1, q2) / index(p0, p2, q0, q2) - 1),
        "mean value": max(np.min(p1 / p0) / there - 1, there / np.max(p1 / p0) - 1),
        "monotonicity": there / index(p0, dearer, q0, q1) - 1,
    }


def axioms_in(page: Path) -> dict[str, dict[str, bool]]:
    """Axiom → formula → does it hold, from the table of the page."""
    lines = [line.strip("| \n") for line in page.read_text(encoding="utf-8").splitlines()]
    rows = [[cell.strip(" *") for cell in line.split("|")] for line in lines if line.count("|") == 7]
    header = next(row for row in rows if row[0] == "formula")
    table = [row for row in rows if row[0] in FORMULAS]
    assert [set(row[1:]) - {"yes", "no"} for row in table] == [set()] * len(FORMULAS)
    return {axiom: {row[0]: row[n] == "yes" for row in table} for n, axiom in enumerate(header[1:], start=1)}


AXIOMS = {axiom: {name: axiom not in REGISTER[name].fails for name in FORMULAS} for axiom in registry.AXIOMS}
MONEY = st.integers(20, 500).map(lambda pence: pence / 100)
MARKETS = st.integers(1, 4).flatmap(lambda n: arrays(np.float64, (8, n), elements=MONEY, fill=st.nothing()))
EXTREMES = arrays(np.float64, (8, 3), elements=st.sampled_from([0.05, 0.3, 1.0, 2.0, 12.0]), fill=st.nothing())
searching = settings(max_examples=2000, phases=[Phase.generate], database=None, deadline=None, derandomize=True)


def test_the_table_of_the_docs_is_that_of_the_register():
    assert axioms_in(PROJECT_ROOT / "docs" / "prices" / "indices" / "axioms.md") == AXIOMS
    assert all(set(entry.fails) <= set(registry.AXIOMS) for entry in registry.ENTRIES)


@pytest.mark.parametrize("axiom", AXIOMS)
@quickly
@given(MARKETS)
def test_axioms_that_hold(axiom, market):
    missed = {formula: gaps(formula, market)[axiom] for formula, holds in AXIOMS[axiom].items() if holds}
    assert {formula: size for formula, size in missed.items() if size > 1e-11} == {}


@pytest.mark.parametrize(
    ("axiom", "formula"), [(axiom, name) for axiom, all_ in AXIOMS.items() for name, holds in all_.items() if not holds]
)
def test_axioms_that_fail_have_a_counterexample(axiom, formula):
    market = find(EXTREMES, lambda m: gaps(formula, m)[axiom] > 1e-4, settings=searching)
    assert gaps(formula, market)[axiom] > 1e-4
