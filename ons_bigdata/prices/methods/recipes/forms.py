"""Elementary indices as functions of product weights: chains of links, ratios of sums, clusters.

Arrays are periods x products, 0 where absent. With all weights 1 a form gives the index itself, with the weights of a
resample the resample's index. Forms over windows of periods are in `window_forms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Continued, Past

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.base_means import BaseMeans

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


ALL = slice(None)
"""All rows."""


class Form(Protocol):
    """An elementary index of one retailer and item.

    `used`: mask of the products that can count, periods x products. `segments`: number of the unbroken stretch of each
    period with all products counting once, -1 where it has none. `replicates`: weights (replicates x products) to
    indices and segments (periods x replicates; nan and -1 where there is none). `continued`: the same of the periods of
    a block, where the form was built from the prices of the block's view, given what was kept of the periods before.
    `parts`: log movement to some rows (all unless given) from the row `previous` of each (-1 for none), split into
    prices, churn and gaps (rows x 3; see `movements`), given the index's values and segments. `within`: periods in
    which a product that is away must come back for its absence to be a gap; None: ever.
    """

    @property
    def used(self) -> Booleans: ...  # noqa: D102

    @property
    def segments(self) -> Integers: ...  # noqa: D102

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]: ...  # noqa: D102

    def continued(self, weights: Floats, block: Block, past: Past) -> Continued: ...  # noqa: D102

    def parts(  # noqa: D102
        self,
        previous: Integers,
        indices: Floats,
        segments: Integers,
        /,
        rows: slice = ALL,
        within: int | None = None,
    ) -> Floats: ...


@dataclass(frozen=True, eq=False)
class LinkedChain:
    """Chained Jevons: each product is compared with the index of the period of its last price.

    ln I(t) = mean over the linked products i of [ln I(l(i)) + r_i(t)].

    `relatives`: r, log change of a product's price since row l(i); 0 where it does not link. `link_rows`: l, -1 where a
    product does not link. `present`: which products have a price. `continuing`: which of those that link were priced in
    the stratum's period before, so that their link spans no gap. `reach`: how many periods back a link may lead; longer
    links lead to the last period with a level.

    A segment is a set of periods that links join. A period belongs to the segment of the latest period that any of its
    products links to, and links to other segments do not count: indices of two segments have no common scale. Where no
    product links, a new segment begins at 1.
    """

    relatives: Floats
    link_rows: Integers
    present: Booleans
    continuing: Booleans
    reach: int

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
        return whole_history(self, weights)

    def continued(self, weights: Floats, block: Block, past: Past) -> Continued:
        """Indices and segments of a block; raises ValueError where a link leads to a period that the past lacks."""
        here = self.present[block.rows].astype(np.float64) @ weights.T > 0
        levels, segments = past.onto(block, len(self.present))
        logs = np.log(levels, where=np.isfinite(levels), out=np.zeros(levels.shape))
        newest = past.newest
        for place, links in enumerate(self._weighted_links(weights, block.rows)):
            t = block.rows.start + place
            total, count = np.zeros(len(weights)), np.zeros(len(weights))
            segment = np.full(len(weights), ABSENT)
            for row, products, moved in links:
                there = products > 0
                if (segments[row][there] == ABSENT).any():
                    message = f"past: no level of period {block.view + row}, to which prices of {block.view + t} link"
                    raise ValueError(message)
                segment = np.where(there & (segment == ABSENT), segments[row], segment)
                joined = there & (segments[row] == segment)
                total += np.where(joined, products * logs[row] + moved, 0.0)
                count += np.where(joined, products, 0.0)
            joined = count > 0
            starts = here[place] & ~joined
            newest = newest + starts
            logs[t] = np.divide(total, count, where=joined, out=np.zeros_like(total))
            segments[t] = np.where(joined, segment, np.where(starts, newest, ABSENT))
        computed = np.where(here, np.exp(logs[block.rows]), np.nan), segments[block.rows]
        return Continued(*computed, past.followed_by(block, computed, newest, reach=self.reach))

    def _weighted_links(self, weights: Floats, among: slice) -> list[list[tuple[int, Floats, Floats]]]:
        """By period of some rows, latest link row first: the row, each replicate's sum of weights and of relatives."""
        links: list[list[tuple[int, Floats, Floats]]] = [[] for _ in self.present[among]]
        rows = np.arange(len(self.present))[among, None]
        linked, relatives = self.linked[among], self.relatives[among]
        lags = np.where(linked, rows - self.link_rows[among], 0)
        for lag in np.unique(lags[lags > 0]):
            chosen = lags == lag
            periods = np.flatnonzero(chosen.any(axis=1))
            products = chosen[periods].astype(np.float64) @ weights.T
            moved = np.where(chosen[periods], relatives[periods], 0.0) @ weights.T
            for place, t in enumerate(periods):
                links[t].append((int(rows[t, 0] - lag), products[place], moved[place]))
        return links

    def parts(
        self,
        previous: Integers,
        indices: Floats,
        segments: Integers,
        /,
        rows: slice = ALL,
        within: int | None = None,
    ) -> Floats:
        """Split by link, exactly: links from the period before are prices, the others gaps; there is no churn.

        A product that returns adds its change since its last price less the index's change over the same gap up to the
        period before: the correction of what was imputed for it.
        """
        logs = np.log(np.where(np.isfinite(indices), indices, 1.0))
        s = np.maximum(previous[rows], 0)
        joined = (self.linked & self.compared(segments))[rows]
        since = logs[self.link_rows[rows]] - logs[s][:, None] + self.relatives[rows]
        count = np.maximum(joined.sum(axis=1), 1)
        prices = np.where(joined & self.continuing[rows], since, 0.0).sum(axis=1) / count
        gaps = np.where(joined & ~self.continuing[rows], since, 0.0).sum(axis=1) / count
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
        return whole_history(self, weights)

    def continued(self, weights: Floats, block: Block, past: Past) -> Continued:
        """Ratios of a block; the past has no influence on them."""
        top, bottom = self.top[block.rows] @ weights.T, self.bottom[block.rows] @ weights.T
        there = bottom > 0
        ratio = np.divide(top, bottom, where=there, out=np.full(top.shape, np.nan))
        indices = np.exp(ratio) if self.in_logs else ratio
        return compared_with_base(block, past, indices)

    def parts(
        self,
        previous: Integers,
        _indices: Floats,
        _segments: Integers,
        /,
        rows: slice = ALL,
        within: int | None = None,
    ) -> Floats:
        """Split by nested sets of products, see `nested_parts`."""
        return nested_parts(self._value, self.used, self.priced, previous, rows, within)

    def _value(self, chosen: Booleans, rows: Integers, _ends: Integers) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (chosen * self.top[rows]).sum(axis=1) / (chosen * self.bottom[rows]).sum(axis=1)
            return ratio if self.in_logs else np.log(ratio)


@dataclass(frozen=True, eq=False)
class ClusterJevons:
    """Jevons over clusters: geometric mean price of the products of each cluster, relative to that of the base.

    `logs`: log prices, 0 where absent; `present`; `members`: products x clusters; `base`: prices of the base periods.
    """

    logs: Floats
    present: Booleans
    members: Booleans
    base: BaseMeans

    @property
    def used(self) -> Booleans:
        """Mask of the products of clusters that have a product in the base."""
        in_base = np.any((self.base.quotes > 0)[:, None] & self.members, axis=0)
        return self.present & np.any(self.members & in_base, axis=1)[None, :]

    @property
    def segments(self) -> Integers:
        """One segment: each period is compared with the base directly."""
        return np.where(self.used.any(axis=1), 0, ABSENT)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Mean over the clusters that a replicate has in the period and in the base; each cluster counts alike."""
        return whole_history(self, weights)

    def continued(self, weights: Floats, block: Block, past: Past) -> Continued:
        """Indices of a block; the past has no influence on them."""
        logs, present = self.logs[block.rows], self.present[block.rows].astype(np.float64)
        total, clusters = np.zeros((len(logs), len(weights))), np.zeros((len(logs), len(weights)))
        for members in self.members.T:
            drawn = weights[:, members].T
            count, moved = present[:, members] @ drawn, logs[:, members] @ drawn
            at_base = self.base.quotes[members].astype(np.float64) @ drawn
            there = (count > 0) & (at_base > 0)
            mean = np.divide(moved, count, where=there, out=np.zeros_like(moved))
            base = np.divide(self.base.logs[members] @ drawn, at_base, where=at_base > 0, out=np.zeros_like(at_base))
            total += np.where(there, mean - base, 0.0)
            clusters += there
        there = clusters > 0
        values = np.divide(total, clusters, where=there, out=np.full(total.shape, np.nan))
        return compared_with_base(block, past, np.exp(values))

    def parts(
        self,
        previous: Integers,
        _indices: Floats,
        _segments: Integers,
        /,
        rows: slice = ALL,
        within: int | None = None,
    ) -> Floats:
        """Split by nested sets of products, see `nested_parts`."""
        return nested_parts(self._value, self.used, self.present, previous, rows, within)

    def _value(self, chosen: Booleans, rows: Integers, _ends: Integers) -> Floats:
        members = self.members.astype(np.float64)
        at_base = self.base.quotes @ members
        base = (self.base.logs @ members) / np.maximum(at_base, 1)
        count = chosen.astype(np.float64) @ members
        there = (count > 0) & (at_base > 0)
        mean = np.where(there, (chosen * self.logs[rows]) @ members / np.maximum(count, 1) - base, 0.0)
        with np.errstate(invalid="ignore"):
            value: Floats = mean.sum(axis=1) / there.sum(axis=1)
        return value


def whole_history(form: Form, weights: Floats) -> tuple[Floats, Integers]:
    """Indices and segments of each replicate over all periods, which are one block without a past."""
    computed = form.continued(weights, Block.whole(len(form.used)), Past.none(len(weights)))
    return computed.indices, computed.segments


def compared_with_base(block: Block, past: Past, indices: Floats) -> Continued:
    """Index of a block whose periods are compared with a base directly: one segment, nothing to link to."""
    segments = np.where(np.isfinite(indices), 0, ABSENT)
    newest = np.maximum(past.newest, segments.max(axis=0, initial=ABSENT))
    return Continued(indices, segments, past.followed_by(block, (indices, segments), newest, reach=0))


def nested_parts(
    value: Callable[[Booleans, Integers, Integers], Floats],
    used: Booleans,
    priced: Booleans,
    previous: Integers,
    among: slice = ALL,
    within: int | None = None,
) -> Floats:
    """Split log movements into prices, churn and gaps by nested sets of products; exact.

    `value(chosen, rows, ends)`: the log index of row `rows[t]` over the products `chosen[t]`, in the window that ends
    in row `ends[t]`. `used`, `priced`: products that count and that have a price, periods x products. `previous`: row
    of the period before, -1 for none. `among`: the rows to split. With C the products used in both periods, G those
    used in one of them that were priced before it or will be again, at most `within` periods away, and f the log index
    over a set: prices = f_t(C) - f_s(C); gaps = [f_t(C+G) - f_t(C)] - [f_s(C+G) - f_s(C)]; churn = the same from C+G to
    all. Where no product continues, all is churn.
    """
    rows = np.arange(len(used))[among]
    known = previous[among] >= 0
    s = np.where(known, previous[among], 0)
    now, then = used[rows], used[s] & known[:, None]
    running = np.vstack([np.zeros((1, priced.shape[1]), dtype=np.int64), np.cumsum(priced, axis=0)])
    away = len(used) if within is None else within
    seen_before = running[s] > running[np.maximum(s - away, 0)]
    seen_after = running[np.minimum(rows + 1 + away, len(used))] > running[rows + 1]
    both = now & then
    now_gaps, then_gaps = both | (now & seen_before), both | (then & seen_after)
    moves = [
        value(chosen, rows, rows) - value(other, s, rows) for chosen, other in ((both, both), (now_gaps, then_gaps))
    ]
    total = value(now, rows, rows) - value(then, s, rows)
    continues = both.any(axis=1)
    prices = np.where(continues, moves[0], 0.0)
    gaps = np.where(continues, moves[1] - moves[0], 0.0)
    churn = np.where(continues, total - moves[1], total)
    parts = np.column_stack([prices, churn, gaps])
    return np.where(known[:, None], parts, np.nan)
