"""Log indices of all pairs of periods at once, for the formulas that are ratios of sums over products.

A formula enters by two functions: the factors of its sums over products, and the log indices that the sums give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Factors = tuple[tuple[Floats, Floats], ...]
    Sums = tuple[Floats, Floats]


@dataclass(frozen=True)
class PairSums:
    """Log indices ln P(i→j) from two sums over products, Σ x_i y_j each, added up over pairs of factors (x, y).

    `factors`: prices, quantities, presence (T×B) → the factors of both sums, each T×B. `logs`: the sums from i to j,
    and those from j to i in the same order (any shape) → log indices, antisymmetric to the last digit; nan or infinite
    where i and j share no product.
    """

    factors: Callable[[Floats, Floats, Booleans], tuple[Factors, Factors]]
    logs: Callable[[Sums, Sums], Floats]


def _tornqvist_factors(prices: Floats, quantities: Floats, presence: Booleans) -> tuple[Factors, Factors]:
    logs, present = _relative_logs(prices, presence), presence.astype(np.float64)
    values = prices * quantities
    return ((values, logs), (-values * logs, present)), ((values, present),)


def _fisher_factors(prices: Floats, quantities: Floats, presence: Booleans) -> tuple[Factors, Factors]:
    return ((quantities, prices),), ((prices * quantities, presence.astype(np.float64)),)


def _jevons_factors(prices: Floats, _quantities: Floats, presence: Booleans) -> tuple[Factors, Factors]:
    present = presence.astype(np.float64)
    return ((present, _relative_logs(prices, presence)),), ((present, present),)


def _walsh_factors(prices: Floats, quantities: Floats, _presence: Booleans) -> tuple[Factors, Factors]:
    roots = np.sqrt(quantities)
    return ((roots, prices * roots),), ()


def _relative_logs(prices: Floats, presence: Booleans) -> Floats:
    """Logs of prices relative to the product's first: the same indices, with fewer digits lost in differences."""
    first = prices[presence.argmax(axis=0), np.arange(prices.shape[1])]
    relatives = np.divide(prices, first, where=presence, out=np.ones(prices.shape))
    return np.log(relatives, out=relatives)


JEVONS = PairSums(_jevons_factors, lambda there, back: (there[0] - back[0]) / there[1])
TORNQVIST = PairSums(_tornqvist_factors, lambda there, back: (there[0] / there[1] - back[0] / back[1]) / 2)
FISHER = PairSums(_fisher_factors, lambda there, back: (np.log(there[0] / there[1]) - np.log(back[0] / back[1])) / 2)
WALSH = PairSums(_walsh_factors, lambda there, back: np.log(there[0]) - np.log(back[0]))
