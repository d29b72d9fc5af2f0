"""Aggregation over replicates: each replicate is what the day-by-day aggregation makes of it alone."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.daily_aggregation import aggregate
from ons_bigdata.prices.methods.replicated_aggregation import ABSENT, Children, aggregated

MONDAY = date(2016, 7, 25)
DAYS = 14
WEEK = (MONDAY + timedelta(days=4), MONDAY + timedelta(days=6))
BASE = np.array([4 <= n <= 6 for n in range(DAYS)])


def one_parent(levels: np.ndarray, segments: np.ndarray, weights: list[float], shares: np.ndarray) -> np.ndarray:
    """Aggregate one replicate of one parent (days x children) by the day-by-day rule."""
    rows = [
        (MONDAY + timedelta(days=t), str(c), float(levels[t, c]), int(segments[t, c]), float(shares[t, c]))
        for t in range(levels.shape[0])
        for c in range(levels.shape[1])
        if segments[t, c] >= 0
    ]
    schema = {
        "period": pl.Date, "child": pl.String, "level": pl.Float64, "segment": pl.Int64, "imputed_share": pl.Float64,
    }  # fmt: skip
    # A first and a last day that no child has keep the calendar whole.
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(parent=pl.lit("p"), products=pl.lit(1))
    ends = pl.DataFrame(
        {"period": [MONDAY, MONDAY + timedelta(days=DAYS - 1)], "child": ["none"] * 2, "level": [None, None],
         "segment": [0, 0], "imputed_share": [0.0, 0.0]}, schema=schema,
    ).with_columns(parent=pl.lit("p"), products=pl.lit(1))  # fmt: skip
    names = [*map(str, range(len(weights))), "none"]
    known = pl.DataFrame({"parent": ["p"] * len(names), "child": names, "weight": [*weights, 0.0]})
    table = aggregate(pl.concat([frame, ends]), known, base_week=WEEK)
    return table.select(pl.col("index", "imputed_share").fill_null(np.nan)).to_numpy()


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
def test_every_replicate_and_parent_is_what_the_day_by_day_rule_gives(panel):
    levels, segments, weights, shares = panel
    found = aggregated(Children(levels, segments, weights, shares), BASE)
    for r in range(levels.shape[1]):
        for p in range(levels.shape[2]):
            expected = one_parent(levels[:, r, p], segments[:, r, p], weights[p].tolist(), shares[:, p])
            np.testing.assert_allclose(found.index[:, r, p], expected[:, 0], rtol=1e-11)
            np.testing.assert_allclose(found.imputed_share[:, r, p], expected[:, 1], rtol=1e-9, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(panels())
def test_before_and_after_of_the_children_make_the_parents_movement(panel):
    levels, segments, weights, shares = panel
    found = aggregated(Children(levels, segments, weights, shares), BASE, with_movements=True)
    assert found.before is not None and found.after is not None
    there = np.isfinite(found.before)
    value_before = np.where(there, weights * found.before, 0.0).sum(axis=3)
    value_after = np.where(there, weights * found.after, 0.0).sum(axis=3)
    for r in range(levels.shape[1]):
        for p in range(levels.shape[2]):
            rows = np.flatnonzero(np.isfinite(found.index[:, r, p]))
            for s, t in pairwise(rows):
                if value_before[t, r, p] > 0:
                    movement = found.index[t, r, p] / found.index[s, r, p]
                    assert value_after[t, r, p] / value_before[t, r, p] == pytest.approx(movement, rel=1e-9)


def test_by_hand_an_absent_child_moves_with_the_other():
    # Two children of weight 1; the first doubles on day 5 while the second is away, and stays doubled.
    levels = np.full((DAYS, 1, 1, 2), 1.0)
    levels[5:, 0, 0, 0] = 2.0
    segments = np.zeros((DAYS, 1, 1, 2), dtype=int)
    segments[5, 0, 0, 1] = ABSENT
    found = aggregated(Children(levels, segments, np.ones((1, 2)), np.zeros((DAYS, 1, 2))), np.arange(DAYS) == 4)
    assert found.index[4:7, 0, 0].tolist() == pytest.approx([100.0, 200.0, 150.0])
    assert found.imputed_share[4:7, 0, 0].tolist() == pytest.approx([0.0, 0.5, 0.0])
