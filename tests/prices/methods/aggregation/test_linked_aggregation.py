"""Linked aggregation on arrays: separate replicates and parents, movements. The rules: `test_daily_aggregation`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation.linked import (
    ABSENT,
    Children,
    LinkState,
    aggregated,
    aggregated_from_state,
    aggregated_with_state,
)

DAYS = 14
BASE = np.array([4 <= n <= 6 for n in range(DAYS)])


@st.composite
def panels(draw):
    """Draw some replicates of some parents with up to three children that come, go and restart."""
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (DAYS, draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 3)))
    present = generator.random(shape) < draw(st.sampled_from([0.3, 0.7, 0.95]))
    starts = generator.random(shape) < draw(st.sampled_from([0.0, 0.15]))
    segments = np.where(present, np.cumsum(starts, axis=0), ABSENT)
    levels = np.where(present, np.exp(generator.normal(size=shape)), np.nan)
    weights = generator.integers(1, 5, size=shape[2:]).astype(float)
    return levels, segments, weights, generator.random((DAYS, *shape[2:]))


@settings(max_examples=30, deadline=None)
@given(panels())
def test_no_replicate_or_parent_touches_another(panel):
    levels, segments, weights, shares = panel
    computed = aggregated(Children(levels, segments, weights, shares), BASE)
    for r in range(levels.shape[1]):
        for p in range(levels.shape[2]):
            one = np.s_[:, r : r + 1, p : p + 1]
            own = slice(p, p + 1)
            alone = aggregated(Children(levels[one], segments[one], weights[own], shares[:, own]), BASE)
            np.testing.assert_allclose(computed.index[one], alone.index, rtol=1e-13)
            np.testing.assert_allclose(computed.imputed_share[one], alone.imputed_share, rtol=1e-13)


@settings(max_examples=25, deadline=None)
@given(panels())
def test_before_and_after_of_the_children_make_the_parents_movement(panel):
    levels, segments, weights, shares = panel
    computed = aggregated(Children(levels, segments, weights, shares), BASE, with_movements=True)
    assert computed.before is not None and computed.after is not None
    there = np.isfinite(computed.before)
    value_before = np.where(there, weights * computed.before, 0.0).sum(axis=3)
    value_after = np.where(there, weights * computed.after, 0.0).sum(axis=3)
    for r in range(levels.shape[1]):
        for p in range(levels.shape[2]):
            rows = np.flatnonzero(np.isfinite(computed.index[:, r, p]))
            for s, t in pairwise(rows):
                if value_before[t, r, p] > 0:
                    movement = computed.index[t, r, p] / computed.index[s, r, p]
                    assert value_after[t, r, p] / value_before[t, r, p] == pytest.approx(movement, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(panels(), st.lists(st.integers(7, DAYS - 1), unique=True, max_size=4))
def test_periods_block_by_block_give_what_all_at_once_give(panel, starts):
    levels, segments, weights, shares = panel

    def periods(rows):
        return Children(levels[rows], segments[rows], weights, shares[rows])

    whole = aggregated(Children(levels, segments, weights, shares), BASE, with_movements=True)
    bounds = [*sorted(starts), DAYS]
    opening = slice(0, bounds[0])
    computed, state = aggregated_with_state(periods(opening), BASE[opening], with_movements=True)
    blocks = [computed]
    for first, stop in pairwise(bounds):
        computed, state = aggregated_from_state(periods(slice(first, stop)), state, with_movements=True)
        blocks.append(computed)
    for name in ("index", "imputed_share", "before", "after"):
        joined = np.concatenate([getattr(block, name) for block in blocks])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-13)


@settings(max_examples=20, deadline=None)
@given(panels())
def test_a_state_is_put_together_from_those_of_its_parents(panel):
    levels, segments, weights, shares = panel
    children = Children(levels, segments, weights, shares)
    whole = aggregated_with_state(children, BASE)[1]
    built = LinkState.before_base(*levels.shape[1:])
    for parent in range(len(weights)):
        rows = np.array([parent])
        alone = Children(levels[:, :, rows], segments[:, :, rows], weights[rows], shares[:, rows])
        built = built.with_parents(rows, aggregated_with_state(alone, BASE)[1])
    for name in ("levels", "segments", "scales", "parent", "base_logs", "anchor_segments", "anchors"):
        np.testing.assert_allclose(getattr(built, name), getattr(whole, name), rtol=1e-13)


def test_by_hand_an_absent_child_moves_with_the_other():
    # Two children of weight 1; the first doubles on day 5 while the second is away, and stays doubled.
    levels = np.full((DAYS, 1, 1, 2), 1.0)
    levels[5:, 0, 0, 0] = 2.0
    segments = np.zeros((DAYS, 1, 1, 2), dtype=int)
    segments[5, 0, 0, 1] = ABSENT
    computed = aggregated(Children(levels, segments, np.ones((1, 2)), np.zeros((DAYS, 1, 2))), np.arange(DAYS) == 4)
    assert computed.index[4:7, 0, 0].tolist() == pytest.approx([100.0, 200.0, 150.0])
    assert computed.imputed_share[4:7, 0, 0].tolist() == pytest.approx([0.0, 0.5, 0.0])
