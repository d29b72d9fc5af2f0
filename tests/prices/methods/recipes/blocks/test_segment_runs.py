"""Segments of all days as runs of days, and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ons_bigdata.prices.methods.recipes.blocks.segment_runs import runs_of_segments, segments_of_runs

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8)


def test_a_chain_that_breaks_once_has_three_runs() -> None:
    segments = np.array([[0, 0, 0, -1, -1, 1, 1], [-1, -1, -1, -1, -1, -1, 0]])
    runs = runs_of_segments(segments)
    assert runs.tolist() == [[0, 0, 3, 0], [0, 3, 5, -1], [0, 5, 7, 1], [1, 0, 6, -1], [1, 6, 7, 0]]


@settings(deadline=None)
@given(segments=arrays(np.int64, SHAPES, elements=st.integers(-1, 2)))
def test_runs_give_the_segments_back(segments: np.ndarray) -> None:
    found = segments_of_runs(runs_of_segments(segments), *segments.shape)
    np.testing.assert_array_equal(found, segments)


def test_days_after_the_runs_have_no_segment() -> None:
    runs = runs_of_segments(np.array([[0, 0]]))
    assert segments_of_runs(runs, 1, 4).tolist() == [[0, 0, -1, -1]]
