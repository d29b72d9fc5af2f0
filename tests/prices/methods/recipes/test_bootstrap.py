"""Bootstrap: weights, their independence of other strata, and errors against a known variance."""

from __future__ import annotations

import numpy as np
import pytest

from ons_bigdata.prices.methods.recipes.bootstrap import (
    FEW_PRODUCTS,
    NO_INDEX,
    Bootstrap,
    change_errors,
    error_reason,
    product_weights,
    standard_errors,
    stratum_generator,
)
from ons_bigdata.prices.methods.recipes.formulas import fixed_base


def test_weights_are_draws_with_replacement() -> None:
    weights = product_weights(40, 2_000, np.random.default_rng(1))
    assert weights.shape == (2_000, 40)
    assert (weights.sum(axis=1) == 40).all()
    assert (weights == np.floor(weights)).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(40), abs=0.1)
    # A product is in a resample with probability 1 - (1 - 1/40)^40.
    assert (weights > 0).mean() == pytest.approx(1 - (39 / 40) ** 40, abs=0.01)


def test_a_stratum_draws_the_same_whatever_others_there_are() -> None:
    one, again, other = (
        product_weights(10, 3, stratum_generator(7, "real", "tesco", item)) for item in (210111, 210111, 210113)
    )
    assert (one == again).all()
    assert (one != other).any()
    assert (one != product_weights(10, 3, stratum_generator(8, "real", "tesco", 210111))).any()
    # No names run into each other.
    assert stratum_generator(7, "a", "bc").random() != stratum_generator(7, "ab", "c").random()


def test_the_error_of_a_jevons_is_that_of_a_mean_of_logs() -> None:
    # Delta method: I = exp(mean ln r), so that its error is I · sd(ln r)/√n (with divisor n: the bootstrap's own).
    generator = np.random.default_rng(3)
    relatives = np.exp(generator.normal(0.05, 0.15, size=400))
    prices = np.vstack([np.ones(400), relatives])
    form = fixed_base("jevons", prices, np.array([True, False]))
    replicates = form.replicates(product_weights(400, 4_000, generator))[0]
    errors, count = standard_errors(replicates[:, :, None])
    index = np.exp(np.log(relatives).mean())
    assert errors[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert errors[1, 0] == pytest.approx(index * np.log(relatives).std() / 20, rel=0.05)
    assert count.tolist() == [[4_000], [4_000]]


def test_the_error_of_a_change_leaves_out_what_both_figures_share() -> None:
    generator = np.random.default_rng(3)
    shared = generator.normal(0.0, 0.2, (1, 500, 1))
    own = generator.normal(0.0, 0.001, (3, 500, 1))
    replicates = 100 * np.exp(shared + own)
    errors, count = change_errors(replicates, np.array([-1, 0, 0]))
    assert np.isnan(errors[0, 0])
    assert count[:, 0].tolist() == [0, 500, 500]
    expected = 100 * np.std(np.expm1(own[1, :, 0] - own[0, :, 0]), ddof=1)
    assert errors[1, 0] == pytest.approx(expected, rel=1e-9)
    assert errors[1, 0] < 0.02 * standard_errors(replicates)[0][1, 0]


def test_errors_need_nine_in_ten_replicates() -> None:
    values = np.arange(40.0).reshape(1, 20, 2)
    values[0, :3, 0] = np.nan
    values[0, :2, 1] = np.nan
    errors, count = standard_errors(values)
    assert count.tolist() == [[17, 18]]
    assert np.isnan(errors[0, 0])
    assert errors[0, 1] == pytest.approx(values[0, 2:, 1].std(ddof=1))


def test_an_error_that_is_missing_has_a_reason() -> None:
    known = {"has_index": True, "has_sample": True, "count": 200, "replicates": 200}
    assert error_reason(**known) is None
    assert error_reason(**(known | {"has_index": False})) == NO_INDEX
    assert error_reason(**(known | {"has_sample": False})) == FEW_PRODUCTS
    assert error_reason(**(known | {"count": 179})) == "only 179 of 200 resamples have an index"
    with pytest.raises(ValueError, match="replicates is 1, expected at least 2"):
        Bootstrap(replicates=1)
