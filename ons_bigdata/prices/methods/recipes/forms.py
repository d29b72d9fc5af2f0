"""Elementary indices as functions of product weights: chains of links, ratios of sums, clusters.

Arrays are periods x products, 0 where absent. With all weights 1 a form gives the index itself, with the weights of a
resample the resample's index. Forms over windows of periods are in `window_forms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


class Form(Protocol):
    """An elementary index of one retailer and item.

    `used`: mask of the products that can count, periods x products. `segments`: number of the unbroken stretch of each
    period with all products counting once, -1 where it has none. `replicates`: weights (replicates x products) to
    indices and segments (periods x replicates; nan and -1 where there is none). `parts`: log movement to each period
    from the row `previous` (-1 for none), split into prices, churn and gaps (periods x 3; see `movements`), given the
    index's values and segments.
    """

    @property
    def used(self) -> Booleans: ...  # noqa: D102

    @property
    def segments(self) -> Integers: ...  # noqa: D102

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]: ...  # noqa: D102

    def parts(self, previous: Integers, indices: Floats, segments: Integers, /) -> Floats: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class LinkedChain:
    """Chained Jevons: each product is compared with the index of the period of its last price.

    ln I(t) = mean over the linked products i of [ln I(l(i)) + r_i(t)].

    `relatives`: r, log change of a product's price since row l(i); 0 where it does not link. `link_rows`: l, -1 where a
    product does not link. `present`: which products have a price. `continuing`: which of those that link were priced in
    the stratum's period before, so that their link spans no gap.

    A segment is a set of periods that links join. A period belongs to the segment of the latest period that any of its
    products links to, and links to other segments do not count: indices of two segments have no common scale. Where no
    product links, a new segment begins at 1.
    """

    relatives: Floats
    link_rows: Integers
    present: Booleans
    continuing: Booleans

    @property
    def linked(self) -> Booleans:
        """Mask of the products that link."""
        return self.link_rows >= 0

    @property
    def used(self) -> Booleans:
        """Mask of the products that link; in periods where none does, of those with a price."""
        starts = ~self.linked.any(axis=1, keepdims=True)
        return self.linked | (starts & self.present)

    @property
    def segments(self) -> Integers:
        """Segments with all products counting once."""
        numbers, latest = np.full(len(self.present), ABSENT), self.link_rows.max(axis=1, initial=ABSENT)
        newest = ABSENT
        for t in np.flatnonzero(np.any(self.present, axis=1)):
            newest += latest[t] < 0
            numbers[t] = newest if latest[t] < 0 else numbers[latest[t]]
        return numbers

    def compared(self, segments: Integers) -> Booleans:
        """Mask of the products that count in the index, given its segments; at the start of one, all with a price."""
        joined = self.linked & (segments[self.link_rows] == segments[:, None])
        starts = ~joined.any(axis=1, keepdims=True)
        return joined | (starts & self.present)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Indices and segments of each replicate, each product counting by its weight."""
        here = self.present.astype(np.float64) @ weights.T > 0
        logs, segments = np.zeros(here.shape), np.full(here.shape, ABSENT)
        newest = np.full(len(weights), ABSENT)
        for t, links in enumerate(self._weighted_links(weights)):
            total, count = np.zeros(len(weights)), np.zeros(len(weights))
            segment = np.full(len(weights), ABSENT)
            for row, products, moved in links:
                there = products > 0
                segment = np.where(there & (segment == ABSENT), segments[row], segment)
                joined = there & (segments[row] == segment)
                total += np.where(joined, products * logs[row] + moved, 0.0)
                count += np.where(joined, products, 0.0)
            joined = count > 0
            starts = here[t] & ~joined
            newest = newest + starts
            logs[t] = np.divide(total, count, where=joined, out=np.zeros_like(total))
            segments[t] = np.where(joined, segment, np.where(starts, newest, ABSENT))
        return np.where(here, np.exp(logs), np.nan), segments

    def _weighted_links(self, weights: Floats) -> list[list[tuple[int, Floats, Floats]]]:
        """By period, latest link row first: the row, and each replicate's sum of weights and of weighted relatives."""
        links: list[list[tuple[int, Floats, Floats]]] = [[] for _ in self.present]
        rows = np.arange(len(self.present))[:, None]
        lags = np.where(self.linked, rows - self.link_rows, 0)
        for lag in np.unique(lags[lags > 0]):
            chosen = lags == lag
            periods = np.flatnonzero(chosen.any(axis=1))
            products = chosen[periods].astype(np.float64) @ weights.T
            moved = np.where(chosen[periods], self.relatives[periods], 0.0) @ weights.T
            for place, t in enumerate(periods):
                links[t].append((int(t - lag), products[place], moved[place]))
        return links

    def parts(self, previous: Integers, indices: Floats, segments: Integers) -> Floats:
        """Split by link, exactly: links from the period before are prices, the others gaps; there is no churn.

        A product that returns adds its change since its last price less the index's change over the same gap up to the
        period before: the correction of what was imputed for it.
        """
        logs = np.log(np.where(np.isfinite(indices), indices, 1.0))
        s = np.maximum(previous, 0)
        joined = self.linked & self.compared(segments)
        since = logs[self.link_rows] - logs[s][:, None] + self.relatives
        count = np.maximum(joined.sum(axis=1), 1)
        prices = np.where(joined & self.continuing, since, 0.0).sum(axis=1) / count
        gaps = np.where(joined & ~self.continuing, since, 0.0).sum(axis=1) / count
        return np.column_stack([prices, np.zeros_like(prices), gaps])


@dataclass(frozen=True, eq=False)
class RatioOfSums:
    """Index Σ w·top / Σ w·bottom over products: the fixed-base formulas and the mean unit price.

    `top`, `bottom`: 0 where a product does not count. `in_logs`: the ratio is a log index. `priced`: which products
    have a price, to distinguish new products from returning ones.
    """

    top: Floats
    bottom: Floats
    priced: Booleans
    in_logs: bool = False

    @property
    def used(self) -> Booleans:
        """Mask of the products that count."""
        counts: Booleans = self.bottom > 0
        return counts

    @property
    def segments(self) -> Integers:
        """One segment: each period is compared with the base directly."""
        return np.where(self.used.any(axis=1), 0, ABSENT)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Ratio of the weighted sums of each replicate."""
        top, bottom = self.top @ weights.T, self.bottom @ weights.T
        there = bottom > 0
        ratio = np.divide(top, bottom, where=there, out=np.full(top.shape, np.nan))
        return np.exp(ratio) if self.in_logs else ratio, np.where(there, 0, ABSENT)

    def parts(self, previous: Integers, _indices: Floats, _segments: Integers) -> Floats:
        """Split by nested sets of products, see `nested_parts`."""
        return nested_parts(self._value, self.used, self.priced, previous)

    def _value(self, chosen: Booleans, rows: Integers) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (chosen * self.top[rows]).sum(axis=1) / (chosen * self.bottom[rows]).sum(axis=1)
            return ratio if self.in_logs else np.log(ratio)


@dataclass(frozen=True, eq=False)
class ClusterJevons:
    """Jevons over clusters: geometric mean price of the products of each cluster, relative to that of the base.

    `logs`: log prices, 0 where absent; `present`; `members`: products x clusters; `base`: the base periods (rows).
    """

    logs: Floats
    present: Booleans
    members: Booleans
    base: Booleans

    @property
    def used(self) -> Booleans:
        """Mask of the products of clusters that have a product in the base."""
        at_base = np.any(self.present[self.base], axis=0)
        in_base = np.any(at_base[:, None] & self.members, axis=0)
        return self.present & np.any(self.members & in_base, axis=1)[None, :]

    @property
    def segments(self) -> Integers:
        """One segment: each period is compared with the base directly."""
        return np.where(self.used.any(axis=1), 0, ABSENT)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Mean over the clusters that a replicate has in the period and in the base; each cluster counts alike."""
        total, clusters = np.zeros((len(self.logs), len(weights))), np.zeros((len(self.logs), len(weights)))
        for members in self.members.T:
            drawn = weights[:, members].T
            count = self.present[:, members].astype(np.float64) @ drawn
            moved = self.logs[:, members] @ drawn
            at_base = count[self.base].sum(axis=0)
            there = (count > 0) & (at_base > 0)
            mean = np.divide(moved, count, where=there, out=np.zeros_like(moved))
            base = np.divide(moved[self.base].sum(axis=0), at_base, where=at_base > 0, out=np.zeros_like(at_base))
            total += np.where(there, mean - base, 0.0)
            clusters += there
        there = clusters > 0
        logs = np.divide(total, clusters, where=there, out=np.full(total.shape, np.nan))
        return np.exp(logs), np.where(there, 0, ABSENT)

    def parts(self, previous: Integers, _indices: Floats, _segments: Integers) -> Floats:
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

    `value(chosen, rows)`: the log index of row `rows[t]` over the products `chosen[t]`. With C the products used in
    both periods, G those used in one of them that were priced before or will be again, and f the log index over a set:
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
    moves = [value(chosen, rows) - value(other, s) for chosen, other in ((both, both), (now_gaps, then_gaps))]
    total = value(now, rows) - value(then, s)
    continues = both.any(axis=1)
    prices = np.where(continues, moves[0], 0.0)
    gaps = np.where(continues, moves[1] - moves[0], 0.0)
    churn = np.where(continues, total - moves[1], total)
    parts = np.column_stack([prices, churn, gaps])
    return np.where(known[:, None], parts, np.nan)
