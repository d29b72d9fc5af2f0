"""Log indices of all pairs of periods at once, for the formulas that are ratios of sums over products.

A formula enters by two functions: T×T sums over a block of products, and the log indices that the total sums give.
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
    Sums = tuple[Floats, Floats]


@dataclass(frozen=True)
class PairSums:
    """`of_block`: prices, quantities, presence (T×B) → two T×T sums; `logs`: the sums of all blocks → G, T×T.

    G_ij = ln P(i→j), antisymmetric to the last digit; nan or infinite where i and j share no product.
    """

    of_block: Callable[[Floats, Floats, Booleans], Sums]
    logs: Callable[[Floats, Floats], Floats]


def _tornqvist_sums(prices: Floats, quantities: Floats, presence: Booleans) -> Sums:
    logs, present = _relative_logs(prices, presence), presence.astype(np.float64)
    values = prices * quantities
    return values @ logs.T - (values * logs) @ present.T, values @ present.T


def _fisher_sums(prices: Floats, quantities: Floats, presence: Booleans) -> Sums:
    return quantities @ prices.T, (prices * quantities) @ presence.astype(np.float64).T


def _jevons_sums(prices: Floats, _quantities: Floats, presence: Booleans) -> Sums:
    present = presence.astype(np.float64)
    return present @ _relative_logs(prices, presence).T, present @ present.T


def _walsh_sums(prices: Floats, quantities: Floats, _presence: Booleans) -> Sums:
    roots = np.sqrt(quantities)
    values = roots @ (prices * roots).T
    return values, values


def _mean_of_both(moves: Floats) -> Floats:
    return (moves - moves.T) / 2


def _relative_logs(prices: Floats, presence: Booleans) -> Floats:
    """Logs of prices relative to the product's first: the same indices, with fewer digits lost in differences."""
    first = prices[presence.argmax(axis=0), np.arange(prices.shape[1])]
    relatives = np.divide(prices, first, where=presence, out=np.ones(prices.shape))
    return np.log(relatives, out=relatives)


def _walsh_logs(values: Floats, _values: Floats) -> Floats:
    logs = np.log(values)
    return logs - logs.T


JEVONS = PairSums(_jevons_sums, lambda moved, count: (moved - moved.T) / count)
TORNQVIST = PairSums(_tornqvist_sums, lambda moved, value: _mean_of_both(moved / value))
FISHER = PairSums(_fisher_sums, lambda cost, value: _mean_of_both(np.log(cost / value)))
WALSH = PairSums(_walsh_sums, _walsh_logs)
