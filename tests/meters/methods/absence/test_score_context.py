"""Context of scores: neighbours, means and quantiles of the same meter alone, by hand and against plain Python."""

from __future__ import annotations

import numpy as np

from ons_bigdata.meters.methods.absence.features import FEATURES
from ons_bigdata.meters.methods.absence.score_context import CONTEXT, FROM_DAY, score_context


def columns_of(scores: list[float], first_row: list[int]) -> dict[str, np.ndarray]:
    features = np.arange(len(scores) * len(FEATURES), dtype=float).reshape(len(scores), len(FEATURES))
    context = score_context(np.array(scores), 2 * np.array(scores), features, np.array(first_row))
    assert context.shape == (len(scores), len(CONTEXT))
    for name in FROM_DAY:
        assert np.array_equal(context[:, CONTEXT.index(name)], features[:, FEATURES.index(name)])
    columns = {name: context[:, number] for number, name in enumerate(CONTEXT)}
    for name in ("score", "score_-1", "score_mean_14", "score_quantile_0.5", "score_most_beside"):
        np.testing.assert_allclose(columns[f"injected_{name}"], 2 * columns[name])
    return columns


def test_neighbours_and_means_stop_at_the_meter_and_leave_out_unknown_days():
    nan = np.nan
    columns = columns_of([1.0, -2.0, nan, 4.0, 10.0, 20.0], [0, 4, 6])
    np.testing.assert_equal(columns["score_-1"], [nan, 1.0, -2.0, nan, nan, 10.0])
    np.testing.assert_equal(columns["score_+1"], [-2.0, nan, 4.0, nan, 20.0, nan])
    np.testing.assert_equal(columns["score_+3"], [4.0, nan, nan, nan, nan, nan])
    np.testing.assert_allclose(columns["score_mean_2"], [-0.5, 1.0, 1.0, 1.0, 15.0, 15.0])
    np.testing.assert_equal(columns["score_least_beside"], [-2.0, 1.0, -2.0, nan, 20.0, 10.0])
    np.testing.assert_allclose(columns["score_quantile_0.5"], [1.0] * 4 + [15.0] * 2)
    np.testing.assert_allclose(columns["score_likely_45"], [2 / 3] * 4 + [1.0] * 2)


def test_means_agree_with_plain_python():
    scores = np.random.default_rng(4).normal(size=120)
    scores[::7] = np.nan
    mean = columns_of(scores.tolist(), [0, 50, 120])["score_mean_14"]
    for row in (0, 13, 49, 50, 90, 119):
        begin, end = (0, 50) if row < 50 else (50, 120)
        near = scores[max(row - 14, begin) : min(row + 15, end)]
        assert np.isclose(mean[row], np.nanmean(near))
