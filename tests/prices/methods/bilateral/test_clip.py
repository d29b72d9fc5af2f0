"""Mean shift against scikit-learn's, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import MeanShift, estimate_bandwidth

from ons_bigdata.prices.methods.bilateral.clip import mean_shift, nearest_share_bandwidth


@given(st.integers(0, 10_000), st.integers(5, 120), st.integers(1, 8), st.sampled_from([0.1, 0.2, 0.5]))
@settings(max_examples=60, deadline=None)
def test_clusters_are_those_of_scikit_learn(seed: int, number: int, dimensions: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(number, dimensions)) + 3.0 * draw.integers(0, 3, size=(number, 1))
    bandwidth = nearest_share_bandwidth(points, share)
    assert bandwidth == pytest.approx(estimate_bandwidth(points, quantile=share), rel=1e-12, abs=1e-12)
    if bandwidth == 0:
        return
    seeds = points[draw.choice(number, size=min(number, 6), replace=False)]
    theirs = MeanShift(bandwidth=bandwidth, seeds=seeds).fit(points)
    np.testing.assert_array_equal(mean_shift(points, seeds, bandwidth), theirs.labels_)


def test_two_heaps_on_a_line() -> None:
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])
    labels = mean_shift(points, points, 2.5)
    assert labels.tolist() == [0, 0, 0, 1, 1]  # the larger heap first
    assert nearest_share_bandwidth(points, 0.4) == pytest.approx(1.0)  # of two points each, itself and the next


def test_a_seed_far_from_all_points_is_no_mode() -> None:
    points = np.array([[0.0], [1.0]])
    assert mean_shift(points, np.array([[0.5], [100.0]]), 1.0).tolist() == [0, 0]
    with pytest.raises(ValueError, match="no point lies within the bandwidth"):
        mean_shift(points, np.array([[100.0]]), 1.0)
