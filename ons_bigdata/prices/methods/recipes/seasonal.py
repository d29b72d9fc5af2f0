"""Seasonal items: which days are in season, by the counts of products on the shelf.

Out of season the few products left enter no index: the retailer's item moves with the others of its class, as any
absent child does in `aggregation`, and comes back at its own level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class SeasonalRule:
    """The rule and its items. A day is in season where the products on it are at least `least_share` of the peak.

    The peak is the quantile `peak_quantile` of the daily counts of the `peak_days` days up to and with the day, at the
    retailer, over days with any. Raises ValueError on shares outside 0 to 1.
    """

    items: tuple[int, ...] = (212720, 212722)
    least_share: float = 1 / 3
    peak_quantile: float = 0.9
    peak_days: int = 365

    def __post_init__(self) -> None:
        for name in ("least_share", "peak_quantile"):
            if not 0 < getattr(self, name) <= 1:
                message = f"seasonal rule: {name} is {getattr(self, name)}, expected above 0 and at most 1"
                raise ValueError(message)


def in_season(counts: NDArray[np.int64], rule: SeasonalRule) -> Booleans:
    """Mask of the days in season. `counts`: products on sale at one retailer, one per calendar day; 0 = none.

    Only the days up to each day are looked at, so that a day once published in season stays so. A day without products
    is out of season.
    """
    counts = np.asarray(counts)
    found = np.zeros(len(counts), dtype=np.bool_)
    for day, count in enumerate(counts):
        if count > 0:
            window = counts[max(0, day - rule.peak_days + 1) : day + 1]
            found[day] = count >= rule.least_share * np.quantile(window[window > 0], rule.peak_quantile)
    return found
