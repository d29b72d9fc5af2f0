"""Outlier rules: each on a sample computed by hand, then invariants of all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.quality.outliers import RULES, hidiroglou_berthelot, is_outlier, outlier_bounds

ONE_TO_FOUR = [1.0, 2.0, 3.0, 4.0, 100.0]  # quartiles 2, 3, 4; median deviation 1
RELATIVES = [0.5, 0.9, 1.0, 1.0, 1.1, 1.2, 3.0]
"""Tukey: the 5 % quantiles are 0.62 and 2.46; 0.9, 1.1 and 1.2 are left, mean 16/15, 1/6 below and 1/12 above it."""

samples = st.lists(st.floats(0.1, 10.0), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("rule", "sample", "lower", "upper", "flagged"),
    [
        ("fixed", RELATIVES, 0.4, 2.5, [3.0]),
        ("robust_z", ONE_TO_FOUR, 3 - 2.5 * 1.4826, 3 + 2.5 * 1.4826, [100.0]),
        ("quartile", ONE_TO_FOUR, 3 - 2.5 * 1, 3 + 2.5 * 1, [100.0]),
        ("resistant_fences", ONE_TO_FOUR, 2 - 2.5 * 2, 4 + 2.5 * 2, [100.0]),
        ("kimber", ONE_TO_FOUR, 2 - 2.5 * 1, 4 + 2.5 * 1, [100.0]),
        ("tukey", RELATIVES, 16 / 15 - 2.5 / 6, 16 / 15 + 2.5 / 12, [0.5, 3.0]),
        # the transform of these is −1, 0, 1, 2, 3: quartiles 0, 1, 2 round the median of the transform
        ("hb", [1.0, 2.0, 4.0, 6.0, 100.0], -2.5 * 1.0, 2.5 * 0.5, [1.0, 100.0]),
    ],
)
def test_bounds_worked_out_by_hand(
    rule: str, sample: list[float], lower: float, upper: float, flagged: list[float]
) -> None:
    if rule == "hb":
        assert hidiroglou_berthelot(sample).tolist() == [-3.0, -1.0, 0.0, 0.5, 24.0]
    assert outlier_bounds(sample, rule) == pytest.approx((lower, upper), rel=1e-12)
    assert [value for value, out in zip(sample, is_outlier(sample, rule), strict=True) if out] == flagged


def test_cut_offs_differ_by_side_and_a_floor_keeps_a_spread() -> None:
    assert outlier_bounds(ONE_TO_FOUR, "quartile", cutoff=3.0, lower_cutoff=1.0) == (2.0, 6.0)
    assert outlier_bounds(ONE_TO_FOUR, "fixed", cutoff=3.0, lower_cutoff=0.25) == (0.25, 3.0)
    still = [1.0, 1.0, 1.0, 1.0, 1.05]
    assert is_outlier(still, "quartile").tolist() == [False] * 4 + [True]
    assert outlier_bounds(still, "quartile", floor=0.1) == (0.75, 1.25)
    assert outlier_bounds(still, "kimber", floor=0.1) == (0.75, 1.25)
    assert outlier_bounds(still, "resistant_fences", floor=0.1) == (0.75, 1.25)


def test_tukey_without_any_other_relative_than_one_flags_the_tails() -> None:
    assert outlier_bounds([1.0, 1.0, 1.0], "tukey") == (1.0, 1.0)
    assert not is_outlier([1.0, 1.0, 1.0], "tukey").any()
    moved = [1.0] * 99 + [1.5]
    assert is_outlier(moved, "tukey").nonzero()[0].tolist() == [99]


def test_the_transform_of_hidiroglou_and_berthelot_counts_falls_and_rises_alike() -> None:
    assert hidiroglou_berthelot([0.5, 1.0, 1.0, 1.0, 2.0]).tolist() == [-1.0, 0.0, 0.0, 0.0, 1.0]
    weighted = hidiroglou_berthelot([0.5, 1.0, 2.0], prices=([8.0, 1.0, 2.0], [4.0, 1.0, 4.0]), power=0.5)
    assert weighted == pytest.approx([-math.sqrt(8), 0.0, 2.0])


@pytest.mark.parametrize("rule", RULES)
def test_no_value_no_bounds(rule: str) -> None:
    assert outlier_bounds([], rule) == (-math.inf, math.inf)
    assert outlier_bounds([math.nan], rule) == (-math.inf, math.inf)
    assert is_outlier([], rule).tolist() == []


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=15, deadline=None)
@given(sample=samples, data=st.data())
def test_order_does_not_matter_and_missing_values_change_nothing(
    rule: str, sample: list[float], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(sample))
    assert outlier_bounds(shuffled, rule) == pytest.approx(outlier_bounds(sample, rule))
    with_missing = is_outlier([math.nan, *sample], rule)
    assert not with_missing[0]
    assert with_missing[1:].tolist() == is_outlier(sample, rule).tolist()


@pytest.mark.parametrize("rule", ["robust_z", "quartile", "resistant_fences", "kimber", "hb"])
@settings(max_examples=15, deadline=None)
@given(sample=samples, exponent=st.integers(-3, 3))
def test_a_unit_of_measure_does_not_matter(rule: str, sample: list[float], exponent: int) -> None:
    scaled = np.asarray(sample) * 2.0**exponent
    assert is_outlier(scaled, rule).tolist() == is_outlier(sample, rule).tolist()


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=15, deadline=None)
@given(sample=samples)
def test_a_wider_cut_off_flags_no_more(rule: str, sample: list[float]) -> None:
    wide, narrow = is_outlier(sample, rule, cutoff=4.0), is_outlier(sample, rule, cutoff=2.0)
    assert not (wide & ~narrow).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "tuckey"}, r"rule: found 'tuckey', expected one of fixed, robust_z, quartile"),
        ({"rule": "fixed", "cutoff": 0.0}, r"cut-offs: found 0.0"),
        ({"rule": "quartile", "lower_cutoff": -1.0}, r"cut-offs: found 2.5 and -1.0"),
        ({"rule": "quartile", "floor": -0.1}, r"floor: found -0.1"),
        ({"rule": "tukey", "tails": 0.5}, r"tails: found 0.5"),
        ({"rule": "hb", "values": [1.0, 0.0]}, r"values: found 0.0 in row 1, expected a positive number"),
        ({"rule": "kimber", "values": [1.0, math.inf]}, r"infinite value in row 1"),
        ({"rule": "kimber", "values": [[1.0]]}, r"found 2 dimensions"),
    ],
)
def test_bad_input_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        outlier_bounds(**{"values": [1.0, 2.0], **arguments})


def test_a_power_needs_prices() -> None:
    with pytest.raises(ValueError, match="expected the two prices"):
        hidiroglou_berthelot([1.0], power=0.5)
    with pytest.raises(ValueError, match=r"power: found 1.5, expected 0 to 1"):
        hidiroglou_berthelot([1.0], power=1.5)


def test_numpy_scalars_are_cutoffs_and_text_is_refused_by_name():
    values = [1.0, 1.1, 0.9, 5.0]
    assert is_outlier(values, "fixed", cutoff=np.float32(2)).tolist() == [False, False, False, True]
    for option in ("cutoff", "lower_cutoff", "floor", "tails"):
        with pytest.raises(ValueError, match=f"{option}: found '2', expected a number"):
            outlier_bounds(values, "tukey", **{option: "2"})
    with pytest.raises(ValueError, match=r"rule: found 'hidiroglou_berthelot', expected one of .*; did you mean hb\?"):
        outlier_bounds(values, "hidiroglou_berthelot")
