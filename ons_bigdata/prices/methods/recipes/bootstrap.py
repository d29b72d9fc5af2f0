"""Bootstrap over products: Poisson weights of whole price histories, and standard errors from replicates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.panels.input_checks import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Keys = NDArray[np.uint64]

REPLICATES = 200
SEED = 2016
LEAST_SHARE = 0.9
"""An index needs a value in this share of the replicates for a standard error."""

NO_INDEX = "no index"
FEW_PRODUCTS = "fewer than two products in every retailer's sample: nothing to resample"
NO_EARLIER_INDEX = "no index in the period to compare with"
NOT_DAILY = "not a daily figure: its change over seven days is not estimated"


@dataclass(frozen=True)
class Bootstrap:
    """Parameters of the bootstrap: `replicates` (B) resamples, drawn from `seed`."""

    replicates: int = REPLICATES
    seed: int = SEED

    def __post_init__(self) -> None:
        whole_number("bootstrap: seed", self.seed, least=0, most=2**63 - 1)
        whole_number("bootstrap: replicates", self.replicates, least=-(2**31))
        if self.replicates < 2:
            message = f"bootstrap: replicates is {self.replicates}, expected at least 2"
            raise ValueError(message)


def product_weights(products: Sequence[str], replicates: int, seed: int, *names: object) -> Floats:
    """Draw how many times each product counts in each resample: replicates x products, independent, Poisson of mean 1.

    `names`: of the stratum, such as data origin, retailer and item. A weight is a function of the seed, the names, the
    product's key and the number of the replicate: it is the same whichever other products there are, and however many
    replicates. Each product counts with its whole history of prices.

    Source: Hanley and MacGibbon (2006), Creating non-parametric bootstrap samples using Poisson frequencies, Computer
    Methods and Programs in Biomedicine 83(1).
    """
    return poisson_counts(random_words(_keys(products, seed, *names), replicates))


def random_words(keys: Keys, count: int) -> Keys:
    """Words `1..count` of the generator of each key: count x keys, 64 random bits each.

    SplitMix64 by its number in the sequence: any word is found without those before it. Source: Steele, Lea and Flood
    (2014), Fast splittable pseudorandom number generators, OOPSLA, figure 17.
    """
    words = keys + np.arange(1, count + 1, dtype=np.uint64)[:, None] * _STEP
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Keys = words ^ (words >> np.uint64(31))
    return mixed


def poisson_counts(words: Keys) -> Floats:
    """Counts of a Poisson distribution of mean 1 from 64 random bits each, by inversion; exact to 2^-64."""
    return np.searchsorted(_LEAST_WORDS, words, side="right").astype(np.float64)


def _least_words() -> Keys:
    """Least 64 bits that give a count of 1, 2, …: 2^64 P(count < k), as far as that is below 2^64."""
    inverse_e = sum((Fraction((-1) ** n, factorial(n)) for n in range(40)), Fraction(0))
    below, words = Fraction(0), []
    for count in range(40):
        below += inverse_e * Fraction(1, factorial(count))
        if (word := round(below * 2**64)) >= 2**64:
            break
        words.append(word)
    return np.array(words, dtype=np.uint64)


_STEP = np.uint64(0x9E3779B97F4A7C15)
_LEAST_WORDS = _least_words()


def _keys(products: Sequence[str], seed: int, *names: object) -> Keys:
    """64 bits of each product, of the seed and the names: the same wherever and whenever they are computed."""
    # each text with its length, so that no two lists of names run into each other
    stratum = hashlib.blake2b(digest_size=8)
    for text in map(str, (seed, *names)):
        stratum.update(f"{len(text)} {text}".encode())
    digests = []
    for product in products:
        digest = stratum.copy()
        digest.update(product.encode())
        digests.append(digest.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def standard_errors(replicates: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Compute the standard deviation over replicates (divisor B-1), and count the replicates with a value.

    `replicates`: periods x B x parents, nan where a replicate has none. The error is nan where fewer than the share
    `LEAST_SHARE` of the replicates have a value. Units: those of the index.
    """
    there = np.isfinite(replicates)
    count = there.sum(axis=1)
    values = np.where(there, replicates, 0.0)
    mean = values.sum(axis=1) / np.maximum(count, 1)
    squares = (np.where(there, replicates - mean[:, None, :], 0.0) ** 2).sum(axis=1)
    errors = np.sqrt(squares / np.maximum(count - 1, 1))
    enough = count >= max(2.0, LEAST_SHARE * replicates.shape[1])
    return np.where(enough, errors, np.nan), count


def change_errors(replicates: Floats, earlier: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Compute the standard error of the change of an index since an earlier period, and count the replicates.

    `replicates`: periods x B x parents, nan where a replicate has none. `earlier`: row of the period that each period
    is compared with, -1 where there is none. The change of a replicate is that of the same resample in both periods, so
    that what the two figures share cancels. Units: percent of the earlier index. As `standard_errors`, which see for
    replicates without a value.
    """
    before = np.where((earlier >= 0)[:, None, None], replicates[np.maximum(earlier, 0)], np.nan)
    return standard_errors(100.0 * (replicates / before - 1.0))


def error_reason(
    *, has_index: bool, has_sample: bool, count: int, replicates: int, has_earlier: bool = True
) -> str | None:
    """Reason why an index, or its change since an earlier one, has no standard error; None where it has one.

    `has_sample`: some retailer's sample has two products or more. `count`: replicates that have a value.
    `has_earlier`: the earlier period has an index; of a figure itself always true.
    """
    if not has_index:
        return NO_INDEX
    if not has_earlier:
        return NO_EARLIER_INDEX
    if not has_sample:
        return FEW_PRODUCTS
    if count < max(2.0, LEAST_SHARE * replicates):
        return f"only {count} of {replicates} resamples have an index"
    return None
