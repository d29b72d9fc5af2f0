"""Bootstrap: weights, their independence of other products, and errors against a known variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson, t

from ons_bigdata.prices.methods.recipes.bootstrap import (
    FEW_PRODUCTS,
    NO_INDEX,
    Bootstrap,
    change_errors,
    error_reason,
    poisson_counts,
    product_weights,
    random_words,
    standard_errors,
)
from ons_bigdata.prices.methods.recipes.formulas import fixed_base

PRODUCTS = [f"PRODUCT {n}" for n in range(40)]


def test_words_are_those_of_the_published_generator() -> None:
    # The first values of SplitMix64 from the seed 1234567, as its authors' C code prints them.
    words = random_words(np.array([1234567], dtype=np.uint64), 3)
    assert words[:, 0].tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_counts_invert_the_distribution_of_poisson() -> None:
    # The least word of a count k, and the word before it.
    least = [round(float(poisson.cdf(k - 1, 1.0)) * 2**64) for k in (1, 2, 3)]
    assert poisson_counts(np.array([0, 2**64 - 1], dtype=np.uint64)).tolist() == [0.0, 20.0]
    for k, word in enumerate(least, start=1):
        around = np.array([word - 2**14, word + 2**14], dtype=np.uint64)
        assert poisson_counts(around).tolist() == [k - 1, k]


def test_weights_are_independent_draws_of_poisson() -> None:
    weights = product_weights(PRODUCTS, 4_000, 1)
    assert weights.shape == (4_000, 40)
    shares = np.bincount(weights.astype(np.int64).ravel(), minlength=5)[:5] / weights.size
    assert shares == pytest.approx(poisson.pmf(np.arange(5), 1.0), abs=0.004)
    # Uncorrelated between products and between replicates: errors of a correlation are 1/sqrt(4,000) and 1/sqrt(40).
    assert np.corrcoef(weights.T)[np.triu_indices(40, 1)].std() == pytest.approx(4_000**-0.5, rel=0.1)
    assert np.corrcoef(weights[:200])[np.triu_indices(200, 1)].std() == pytest.approx(40**-0.5, rel=0.1)


@settings(max_examples=25)
@given(
    products=st.lists(st.text(max_size=8), min_size=1, max_size=12, unique=True), chosen=st.data(),
    replicates=st.integers(1, 20),
)  # fmt: skip
def test_a_product_draws_the_same_whatever_others_there_are(
    products: list[str], chosen: st.DataObject, replicates: int
) -> None:
    weights = product_weights(products, 20, 7, "real", "tesco", 210111)
    order = chosen.draw(st.permutations(range(len(products))))[: chosen.draw(st.integers(1, len(products)))]
    few = product_weights([products[n] for n in order], replicates, 7, "real", "tesco", 210111)
    assert (few == weights[:replicates, order]).all()


def test_another_seed_or_stratum_draws_otherwise() -> None:
    one = product_weights(PRODUCTS, 3, 7, "real", "tesco", 210111)
    for others in ((8, "real", "tesco", 210111), (7, "real", "tesco", 210113), (7, "simulated", "tesco", 210111)):
        assert (one != product_weights(PRODUCTS, 3, *others)).any()
    # No names run into each other.
    assert (product_weights(PRODUCTS, 3, 7, "a", "bc") != product_weights(PRODUCTS, 3, 7, "ab", "c")).any()


def test_intervals_of_few_products_cover_as_well_as_those_of_drawing_a_fixed_number() -> None:
    # Means of five products: Student's interval with the normal quantile covers 0.88. Drawing five of five has errors
    # that are too small by sqrt(4/5); independent weights have not, since their sum varies.
    generator = np.random.default_rng(5)
    samples = generator.normal(0.0, 0.15, (1_000, 5))
    fixed = generator.multinomial(5, np.full(5, 0.2), size=(1_000, 200)).astype(np.float64)
    keyed = np.stack([product_weights(PRODUCTS[:5], 200, seed) for seed in range(1_000)])
    covers, scales = {}, {}
    for name, weights in (("fixed", fixed), ("keyed", keyed)):
        total = weights.sum(axis=2)
        means = np.einsum("trn,tn->tr", weights, samples) / np.where(total > 0, total, np.nan)
        errors, _ = standard_errors(means[None, :, :].swapaxes(1, 2))
        covers[name] = (np.abs(samples.mean(axis=1)) < 1.96 * errors[0]).mean()
        scales[name] = np.sqrt((errors[0] ** 2).mean()) / (0.15 / np.sqrt(5))
    student = 1 - 2 * t.sf(1.96, 4)
    assert covers["keyed"] == pytest.approx(student, abs=0.03)
    assert covers["keyed"] > covers["fixed"]
    assert scales["fixed"] == pytest.approx(np.sqrt(4 / 5), abs=0.03)
    assert scales["keyed"] == pytest.approx(1.0, abs=0.04)


def test_the_error_of_a_jevons_is_that_of_a_mean_of_logs() -> None:
    # Delta method: I = exp(mean ln r), so that its error is I · sd(ln r)/√n (with divisor n: the bootstrap's own).
    generator = np.random.default_rng(3)
    relatives = np.exp(generator.normal(0.05, 0.15, size=400))
    prices = np.vstack([np.ones(400), relatives])
    form = fixed_base("jevons", prices, np.array([True, False]))
    replicates = form.replicates(product_weights([f"PRODUCT {n}" for n in range(400)], 4_000, 3))[0]
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
