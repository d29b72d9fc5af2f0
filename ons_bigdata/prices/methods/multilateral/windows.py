"""Windows of periods: log levels of a window in each replicate, the components that shared products link, pair tables.

A replicate counts each product a number of times. The index itself is one replicate in which each product counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WindowLevels:
    """Log levels of one window in each replicate, comparable within a component only.

    `calendar`: all periods. `first`: the window's first period, counted from 0 in the calendar. `log_levels`: periods ×
    replicates, any constant per component, nan where there is none. `components`: periods × replicates, a number of
    the periods that shared products link; -1 for a period without any product. `faults`: component of the first
    replicate → why it has no levels.
    """

    calendar: Sequence[Any]
    first: int
    log_levels: Floats
    components: Integers
    faults: dict[int, str]

    def changes(self, starts: Integers, end: int) -> Floats:
        """Log changes from each of some periods to one, changes × replicates; nan where there is none.

        `starts`, `end`: counted in the calendar, all within the window.
        """
        rows, row = starts - self.first, end - self.first
        moves = self.log_levels[row] - self.log_levels[rows]
        return np.where(self.components[rows] == self.components[row], moves, np.nan)

    def levels_since(self, origins: Integers) -> Floats:
        """Log levels, 0 in the row of the window that each replicate begins in; nan where no chain leads from there."""
        columns = np.arange(len(origins))
        moves = self.log_levels - self.log_levels[origins, columns]
        return np.where(self.components == self.components[origins, columns], moves, np.nan)

    def fault(self, start: int, end: int) -> str | None:
        """Reason why the first replicate has no log change between two periods; None where it has one."""
        components = self.components[:, 0]
        for period in (end, start):
            component = int(components[period - self.first])
            if component < 0:
                return f"no product in period {self.calendar[period]}"
            if component in self.faults:
                return self.faults[component]
        if components[start - self.first] != components[end - self.first]:
            return f"no chain of shared products links period {self.calendar[end]} to {self.calendar[start]}"
        return None


WindowOf = Callable[[int, int], WindowLevels]
"""Levels of the periods first ≤ t < stop of the calendar."""

LevelsOf = Callable[[int, int, "Integers"], "Floats"]
"""Log levels of the periods first ≤ t < stop, from their components; both periods × replicates, nan = no level."""

PairsOf = Callable[[int, int], "Floats"]
"""A value of each pair of the periods first ≤ t < stop: periods × periods × replicates."""

PairBlocks = Callable[[slice, slice], tuple["Floats", "Floats"]]
"""Old and new periods (the new ones follow) → values from each new to all, and from each old to each new."""


BLOCK_CELLS = 2**18
"""T²·B of a block of B products: T×B by B×T products of this size stay in the cache and in one thread of the BLAS."""


def product_blocks(periods: int, products: int) -> list[slice]:
    """Cut products into blocks for T×T sums, of at least 128: smaller ones cost more in calls than in sums."""
    width = max(BLOCK_CELLS // max(periods, 1) ** 2, 128)
    return [slice(first, first + width) for first in range(0, products, width)]


LEAST_PAIRS = 2**12
"""Pairs × replicates computed at a time, at least: fewer cost more in calls than in sums."""


def summed_products(x: Floats, y: Floats, counts: Floats) -> Floats:
    """Sums Σ_n c_rn x_in y_jn over products, I × J × replicates, of `x` I×N, `y` J×N and `counts` replicates × N."""
    if len(counts) == 1:
        return ((counts * x) @ y.T)[:, :, None]
    products = (x[:, None, :] * y).reshape(len(x) * len(y), x.shape[1])
    sums: Floats = (products @ counts.T).reshape(len(x), len(y), len(counts))
    return sums


def summed_squares(x: Floats, y: Floats, counts: Floats) -> Floats:
    """Sums as `summed_products` of `x` and `y`, both I×N, that are the same for (i, j) and (j, i): half the work."""
    if len(counts) == 1:
        return summed_products(x, y, counts)
    rows, columns = np.triu_indices(len(x))
    sums = np.empty((len(x), len(x), len(counts)))
    sums[rows, columns] = (x[rows] * y[columns]) @ counts.T
    sums[columns, rows] = sums[rows, columns]
    return sums


def rolling_pairs(blocks: PairBlocks, periods: int, *, at_once: int = 0) -> PairsOf:
    """Pair values of any window; pairs in the last table are not computed again.

    `periods`: of the calendar. `at_once`: least periods of a table, to compute pairs of later windows with the first.
    """
    low, high, table = 0, 0, np.empty((0, 0, 0))

    def pairs_of(first: int, stop: int) -> Floats:
        nonlocal low, high, table
        if low <= first and stop <= high:
            return table[first - low : stop - low, first - low : stop - low]
        known = high - first if low <= first < high else 0
        end = max(stop, min(first + at_once, periods))
        from_new, to_new = blocks(slice(first, first + known), slice(first + known, end))
        wider = np.empty((end - first, end - first, from_new.shape[2]))
        if known:
            wider[:known, :known] = table[first - low :, first - low :]
            wider[:known, known:] = to_new
        wider[known:] = from_new
        low, high, table = first, end, wider
        return table[: stop - first, : stop - first]

    return pairs_of


def overlap(presence: Booleans, counts: Floats) -> PairsOf:
    """Products that each pair of periods of a window shares, in each replicate.

    `presence`: T×N. `counts`: replicates × N.
    """

    def blocks(old: slice, new: slice) -> tuple[Floats, Floats]:
        known, size = old.stop - old.start, new.stop - old.start
        shared = np.zeros((size - known, size, len(counts)))
        for block in product_blocks(size, presence.shape[1]):
            present = presence[old.start : new.stop, block].astype(np.float64)
            shared += summed_products(present[known:], present, counts[:, block])
        return shared, shared[:, :known].swapaxes(0, 1)

    return rolling_pairs(blocks, len(presence), at_once=isqrt(LEAST_PAIRS // len(counts)))


def overlap_components(shared: Floats) -> Integers:
    """Component of each period, numbered by its first period; -1 where a period has no product.

    `shared`: T × T × replicates, above 0 where two periods share a product (on the diagonal: where the period has one).
    Gives T × replicates.
    """
    linked = shared > 0
    if linked.all():
        return np.zeros(shared.shape[1:], dtype=np.int64)
    there = linked.diagonal().T
    components: Integers = np.where(there, there.argmax(axis=0), -1)
    open_pairs = (~linked & there & there[:, None]).any(axis=(0, 1))
    reached = np.ascontiguousarray(np.moveaxis(linked[:, :, open_pairs], 2, 0))
    while reached.any():
        steps = reached.astype(np.float32)
        wider = steps @ steps > 0
        if (wider == reached).all():
            break
        reached = wider
    components[:, open_pairs] = np.where(there[:, open_pairs], reached.argmax(axis=2).T, -1)
    return components


def component_windows(
    calendar: Sequence[Any], shared_of: PairsOf, levels_of: LevelsOf, fault_of: Callable[[Integers], str]
) -> WindowOf:
    """Levels of any window from those of a method; a component has levels in all its periods or in none.

    `shared_of`: see `overlap`. `fault_of`: why a component of the first replicate has no levels, given its periods
    (counted in the calendar).
    """

    def window_of(first: int, stop: int) -> WindowLevels:
        components = overlap_components(shared_of(first, stop))
        levels = levels_of(first, stop, components)
        faults: dict[int, str] = {}
        levels[components < 0] = np.nan
        broken = (components >= 0) & ~np.isfinite(levels)
        if broken.any():
            joined = components[:, None] == components
            levels[(joined & broken).any(axis=1)] = np.nan
            for component in np.unique(components[broken[:, 0], 0]).tolist():
                faults[component] = fault_of(first + np.flatnonzero(components[:, 0] == component))
        return WindowLevels(calendar, first, levels, components, faults)

    return window_of
