"""Prices of the base periods by product: what a comparison with the base keeps of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BaseMeans:
    """Prices of one retailer and item in the base periods, one entry per product.

    `quotes`: number of base periods in which the product has a price. `prices`: sum of these prices, GBP. `logs`: sum
    of their logs. 0 for a product without any. `has_others`: True if other products have a price there.
    """

    quotes: Integers
    prices: Floats
    logs: Floats
    has_others: bool = False

    @property
    def has_prices(self) -> bool:
        """True if any product has a price in the base periods."""
        return self.has_others or bool((self.quotes > 0).any())

    @property
    def mean_prices(self) -> Floats:
        """Mean price, 0 where there is none."""
        return self.prices / np.maximum(self.quotes, 1)

    @property
    def mean_logs(self) -> Floats:
        """Mean log price, 0 where there is none."""
        return self.logs / np.maximum(self.quotes, 1)

    def arranged(self, products: Sequence[str], wanted: Sequence[str]) -> BaseMeans:
        """The same for other products, in their order; without a quote where they are none of `products`."""
        place = {product: n for n, product in enumerate(products)}
        rows = np.array([place.get(product, len(place)) for product in wanted], dtype=np.int64)
        quotes, prices, logs = (np.append(values, 0)[rows] for values in (self.quotes, self.prices, self.logs))
        return BaseMeans(quotes, prices, logs, has_others=self.has_prices)


def base_means(prices: Floats, base: Booleans) -> BaseMeans:
    """Sum the prices of the base periods by product.

    `prices`: periods x products, 0 where there is none. `base`: mask of the base periods.
    """
    at_base = prices[base]
    logs = np.log(at_base, where=at_base > 0, out=np.zeros(at_base.shape))
    return BaseMeans((at_base > 0).sum(axis=0), at_base.sum(axis=0), logs.sum(axis=0))
