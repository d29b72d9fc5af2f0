"""Means of sub-indices with the weights of two periods, by hand."""

from __future__ import annotations

import pytest

from ons_bigdata.prices.methods.aggregation.mean_indices import FORMULAS, mean_index


def test_means_of_sub_indices_by_hand():
    r, s0, s1 = [2.0, 1.0], [1.0, 3.0], [1.0, 1.0]
    computed = {formula: mean_index(r, s0, s1, formula=formula) for formula in FORMULAS}
    expected = {
        "laspeyres": pytest.approx(1.25),
        "paasche": pytest.approx(1 / 0.75),
        "fisher": pytest.approx((1.25 / 0.75) ** 0.5),
        "geometric_laspeyres": pytest.approx(2**0.25),
        "geometric_paasche": pytest.approx(2**0.5),
        "tornqvist": pytest.approx(2**0.375),
        "walsh": pytest.approx((2 * 0.25**0.5 * 0.25**0.5 + 0.75**0.5 * 0.5**0.5) / (0.25 + 0.75**0.5 * 0.5**0.5)),
    }
    assert {formula: computed[formula] for formula in expected} == expected
    assert "unit_value" not in computed
    for arguments, message in (
        ((r, s0, s1, "x"), "unknown formula 'x'; known: laspeyres"),
        ((r, s0, [1.0], "fisher"), "lengths differ"),
        (([0.0, 1.0], s0, s1, "fisher"), "indices: element 0 is 0.0"),
        ((r, s0, [0.0, 0.0], "fisher"), "current_weights: element 0"),
    ):
        with pytest.raises(ValueError, match=message):
            mean_index(*arguments[:3], formula=arguments[3])
