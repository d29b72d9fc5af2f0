"""Compiled medians, quantiles and sums: numpy's to the last bit, and windows as sorted slices give them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.meters.methods.order_statistics import (
    median_of_sorted,
    quantile_of_sorted,
    quantiles_by_group,
    rolling_quantile,
    sum_of,
)

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(np.float64)


@given(st.lists(numbers, min_size=1, max_size=128), st.floats(0, 1))
def test_median_quantile_and_sum_are_those_of_numpy(values: list[float], quantile: float) -> None:
    array = np.array(values)
    ordered = np.sort(array)
    assert median_of_sorted(ordered, len(ordered)) == np.median(array)
    assert quantile_of_sorted(ordered, len(ordered), quantile) == np.quantile(array, quantile)
    assert sum_of(array, len(array)) == array.sum()


def test_quantiles_of_groups_leave_out_unknown_values_and_empty_groups() -> None:
    values = np.array([3.0, np.nan, 1.0, np.nan, 4.0, 8.0])
    result = quantiles_by_group(values, np.array([0, 3, 4, 6]), np.array([0.5, 0.25]))
    assert np.array_equal(result, [[2.0, 1.5], [np.nan, np.nan], [6.0, 5.0]], equal_nan=True)


@given(
    st.lists(st.one_of(st.just(np.nan), st.integers(0, 5).map(float)), min_size=1, max_size=40),
    st.integers(0, 40),
    st.integers(0, 6),
    st.sampled_from([0.1, 0.5, 0.9]),
)
def test_windows_are_slices_of_the_group(values: list[float], cut: int, half: int, quantile: float) -> None:
    array = np.array(values)
    first_row = np.array([0, min(cut, len(array)), len(array)])
    middle, rank = rolling_quantile(array, first_row, half, quantile)
    for begin, end in pairwise(first_row.tolist()):
        for row in range(begin, end):
            window = array[max(row - half, begin) : min(row + half + 1, end)]
            known = np.sort(window[~np.isnan(window)])
            if not len(known):
                assert np.isnan(middle[row])
                continue
            assert np.isclose(middle[row], np.quantile(known, quantile), rtol=1e-12)
            if not np.isnan(array[row]) and len(known) > 1:
                assert rank[row] == np.searchsorted(known, array[row]) / (len(known) - 1)
            else:
                assert np.isnan(rank[row])
