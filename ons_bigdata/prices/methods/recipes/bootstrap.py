"""Bootstrap over products: multinomial weights of whole price histories, and standard errors from replicates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.panels.input_checks import whole_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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


def stratum_generator(seed: int, *names: object) -> np.random.Generator:
    """Random number generator of one stratum, independent of other strata and of their order.

    `names`: of the stratum, such as data origin, retailer and item.
    """
    text = "\x1f".join(map(str, names)).encode()
    digest = np.frombuffer(hashlib.sha256(text).digest(), dtype=np.uint32)
    return np.random.default_rng([seed, *digest.tolist()])


def product_weights(products: int, replicates: int, generator: np.random.Generator) -> Floats:
    """Draw how many times each product is in each resample: replicates x products, rows that add up to `products`.

    Products are drawn with replacement, each with its whole history of prices. Source: Efron and Tibshirani (1993), An
    Introduction to the Bootstrap, chapter 6.
    """
    drawn = generator.multinomial(products, np.full(products, 1.0 / max(products, 1)), size=replicates)
    return drawn.astype(np.float64)


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
