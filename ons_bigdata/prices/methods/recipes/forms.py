"""Elementary indices as functions of product weights: chains of links, ratios of sums, clusters.

Plain arrays, periods x products, 0 where absent. With all weights 1 each is the index itself; with the weights of a
resample it is the resample's index. Forms over windows (GEKS, time-product dummy) are in `weighted_windows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

ABSENT = -1


class Form(Protocol):
    """An elementary index of one retailer and item.

    `used`: periods x products, which count in the period's level. `replicates`: weights (replicates x products) to
    levels and segments (periods x replicates; nan and -1 where there is none). `parts`: the log movement to each period
    from `previous` (its row, -1 for none) split into prices, churn and gaps (periods x 3; see `movements`).
    """

    @property
    def used(self) -> Booleans: ...  # noqa: D102

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]: ...  # noqa: D102

    def parts(self, previous: Integers) -> Floats: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class LinkedChain:
    """A chained Jevons: exp Σ_t (mean of the log relatives of the products that link).

    `relatives`: log relatives, 0 where a product does not link. `linked`, `present`: which products link, and which
    have a price, in each period. `continuing`: of those that link, which did so from the stratum's period before and
    not over a gap. Where nothing links a new segment begins.
    """

    relatives: Floats
    linked: Booleans
    present: Booleans
    continuing: Booleans

    @property
    def used(self) -> Booleans:
        """The products that link; where none does, those that are there."""
        starts = ~self.linked.any(axis=1, keepdims=True)
        return self.linked | (starts & self.present)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Chain the weighted mean log relatives of each replicate."""
        moved = self.relatives @ weights.T
        links = self.linked.astype(np.float64) @ weights.T
        here = self.present.astype(np.float64) @ weights.T > 0
        linked = links > 0
        movement = np.divide(moved, links, where=linked, out=np.zeros_like(moved))
        segments = np.where(here, np.cumsum(here & ~linked, axis=0) - 1, ABSENT)
        return np.where(here, np.exp(np.cumsum(movement, axis=0)), np.nan), segments

    def parts(self, previous: Integers) -> Floats:
        """Split by link: from the period before (prices) or over a gap (gaps); there is no churn."""
        count = np.maximum(self.linked.sum(axis=1), 1)
        prices = (self.relatives * self.continuing).sum(axis=1) / count
        gaps = (self.relatives * (self.linked & ~self.continuing)).sum(axis=1) / count
        return np.column_stack([prices, np.zeros_like(prices), gaps])


@dataclass(frozen=True, eq=False)
class RatioOfSums:
    """A level that is Σ w·top / Σ w·bottom over products: the fixed-base formulas and the mean unit price.

    `top`, `bottom`: 0 where a product does not count. `in_logs`: the ratio is a log level. `priced`: which products
    have a price at all, to tell a new product from one that returns.
    """

    top: Floats
    bottom: Floats
    priced: Booleans
    in_logs: bool = False

    @property
    def used(self) -> Booleans:
        """The products that count."""
        counts: Booleans = self.bottom > 0
        return counts

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Divide the weighted sums of each replicate."""
        top, bottom = self.top @ weights.T, self.bottom @ weights.T
        there = bottom > 0
        ratio = np.divide(top, bottom, where=there, out=np.full(top.shape, np.nan))
        return np.exp(ratio) if self.in_logs else ratio, np.where(there, 0, ABSENT)

    def parts(self, previous: Integers) -> Floats:
        """Split by nested sets of products, see `nested_parts`."""
        return nested_parts(self._value, self.used, self.priced, previous)

    def _value(self, chosen: Booleans, rows: Integers) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (chosen * self.top[rows]).sum(axis=1) / (chosen * self.bottom[rows]).sum(axis=1)
            return ratio if self.in_logs else np.log(ratio)


@dataclass(frozen=True, eq=False)
class ClusterJevons:
    """A Jevons over clusters: each cluster's geometric mean price, whoever is in it, against that of the base.

    `logs`: log prices, 0 where absent; `present`; `members`: products x clusters; `base`: the base periods (rows).
    """

    logs: Floats
    present: Booleans
    members: Booleans
    base: Booleans

    @property
    def used(self) -> Booleans:
        """The products of clusters that the base has."""
        at_base = np.any(self.present[self.base], axis=0)
        in_base = np.any(at_base[:, None] & self.members, axis=0)
        return self.present & np.any(self.members & in_base, axis=1)[None, :]

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Average over the clusters that both periods of a replicate have; each cluster counts alike."""
        total, clusters = np.zeros((len(self.logs), len(weights))), np.zeros((len(self.logs), len(weights)))
        for members in self.members.T:
            own = weights[:, members].T
            count = self.present[:, members].astype(np.float64) @ own
            moved = self.logs[:, members] @ own
            at_base = count[self.base].sum(axis=0)
            there = (count > 0) & (at_base > 0)
            mean = np.divide(moved, count, where=there, out=np.zeros_like(moved))
            base = np.divide(moved[self.base].sum(axis=0), at_base, where=at_base > 0, out=np.zeros_like(at_base))
            total += np.where(there, mean - base, 0.0)
            clusters += there
        there = clusters > 0
        level = np.divide(total, clusters, where=there, out=np.full(total.shape, np.nan))
        return np.exp(level), np.where(there, 0, ABSENT)

    def parts(self, previous: Integers) -> Floats:
        """Split by nested sets of products, see `nested_parts`."""
        return nested_parts(self._value, self.used, self.present, previous)

    def _value(self, chosen: Booleans, rows: Integers) -> Floats:
        members = self.members.astype(np.float64)
        at_base = self.present[self.base].sum(axis=0) @ members
        base = (self.logs[self.base].sum(axis=0) @ members) / np.maximum(at_base, 1)
        count = chosen.astype(np.float64) @ members
        there = (count > 0) & (at_base > 0)
        mean = np.where(there, (chosen * self.logs[rows]) @ members / np.maximum(count, 1) - base, 0.0)
        with np.errstate(invalid="ignore"):
            value: Floats = mean.sum(axis=1) / there.sum(axis=1)
        return value


def nested_parts(
    value: Callable[[Booleans, Integers], Floats], used: Booleans, priced: Booleans, previous: Integers
) -> Floats:
    """Split log movements into prices, churn and gaps by nested sets of products; exact.

    `value(chosen, rows)`: the log level of row `rows[t]` over the products `chosen[t]`. With C the products used in
    both periods, G those used in one of them that were priced before or will be again, and f the level over a set:
    prices = f_t(C) - f_s(C); gaps = [f_t(C+G) - f_t(C)] - [f_s(C+G) - f_s(C)]; churn = the same from C+G to all.
    Where no product continues, all is churn.
    """
    rows = np.arange(len(used))
    known = previous >= 0
    s = np.where(known, previous, 0)
    now, then = used, used[s] & known[:, None]
    running = np.cumsum(priced, axis=0)
    seen_before, seen_after = running[s] - priced[s] > 0, running[-1] - running > 0
    both = now & then
    now_gaps, then_gaps = both | (now & seen_before), both | (then & seen_after)
    levels = [value(chosen, rows) - value(other, s) for chosen, other in ((both, both), (now_gaps, then_gaps))]
    total = value(now, rows) - value(then, s)
    continues = both.any(axis=1)
    prices = np.where(continues, levels[0], 0.0)
    gaps = np.where(continues, levels[1] - levels[0], 0.0)
    churn = np.where(continues, total - levels[1], total)
    parts = np.column_stack([prices, churn, gaps])
    return np.where(known[:, None], parts, np.nan)
