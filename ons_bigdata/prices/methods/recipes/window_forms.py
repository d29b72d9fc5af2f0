"""GEKS-Jevons and time-product dummy as functions of product weights, over windows that a splice extends.

The replicates' side of `geks`, `time_product_dummy` and `extension`, which compute the index itself. A replicate whose
products do not link all periods of a window that they are in has no level there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.geks import geks_windows
from ons_bigdata.prices.methods.multilateral.splicing import NOT_SPLICED, Extension, WindowLevels, extended_levels
from ons_bigdata.prices.methods.multilateral.time_product_dummy import time_product_dummy_windows
from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown
from ons_bigdata.prices.methods.panels.price_panel import PricePanel
from ons_bigdata.prices.methods.recipes.forms import ABSENT, nested_parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.multilateral.splicing import WindowOf

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

METHODS = ("geks_jevons", "time_product_dummy")
INCOMPLETE = "null"
"""Of a window in which two periods share no product, GEKS gives no level; see `geks.geks_windows`."""
WINDOW_SPLICES = (NOT_SPLICED, "movement", "window", "mean_published")


@dataclass(frozen=True, eq=False)
class WindowForm:
    """A multilateral index of one retailer and item, periods x products, from its first period with a price on.

    `periods`: all periods of the calendar from the first to the last with a price. `logs`: log prices, 0 where absent.
    `window`: W; None where it holds all periods. `splice`: one of `WINDOW_SPLICES`.
    Raises ValueError on an unknown method or splice; lists the known ones.
    """

    method: str
    periods: Sequence[Any]
    logs: Floats
    present: Booleans
    window: int | None
    splice: str
    _windows: dict[tuple[int, int], WindowLevels] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for what, found, known in (("method", self.method, METHODS), ("splice", self.splice, WINDOW_SPLICES)):
            refuse_unknown(what, found, known)

    @property
    def used(self) -> Booleans:
        """The products that have a price."""
        return self.present

    @property
    def length(self) -> int:
        """The window's length: W, or all periods there are."""
        periods = len(self.periods)
        return periods if self.window is None else min(self.window, periods)

    @property
    def matched(self) -> Booleans:
        """The products that are priced in another period of the period's window, too."""
        running = np.vstack([np.zeros((1, self.present.shape[1]), dtype=np.int64), np.cumsum(self.present, axis=0)])
        rows = np.arange(len(self.periods))
        stop = np.maximum(rows + 1, self.length)
        count = running[stop] - running[stop - self.length]
        return self.present & (count > 1)

    def levels(self, *, full: bool = False) -> tuple[Floats, list[str | None]]:
        """Compute the index by `multilateral`'s own parts: levels (nan where there is none) and the reasons.

        `full`: over one window of all periods instead of spliced windows.
        """
        spliced = self.length < len(self.periods) and not full
        extension = Extension(splice=self.splice if spliced else NOT_SPLICED, window=self.length if spliced else None)
        found = extended_levels(self.window_of, self.periods, extension)
        levels = np.array([np.nan if isinstance(level, str) else np.exp(level) for level in found])
        return levels, [level if isinstance(level, str) else None for level in found]

    def window_of(self, first: int, stop: int) -> WindowLevels:
        """Give the levels of a window, each computed once."""
        if (first, stop) not in self._windows:
            self._windows[first, stop] = self._computed(first, stop)
        return self._windows[first, stop]

    @cached_property
    def _computed(self) -> WindowOf:
        panel = PricePanel(list(self.periods), [], np.exp(self.logs) * self.present, None, self.present)
        if self.method == "geks_jevons":
            return geks_windows(panel, "jevons", INCOMPLETE)
        return time_product_dummy_windows(panel, "none")

    def revisions(self) -> Floats:
        """Give what each new window makes of the movement before: its log change from t-2 to t-1, less the old one's.

        nan where the first window still grows and where either has no such change.
        """
        revised = np.full(len(self.periods), np.nan)
        for t in range(max(self.length, 2), len(self.periods)):
            new = self.window_of(t - self.length + 1, t + 1).change(t - 2, t - 1)
            old = self.window_of(t - self.length, t).change(t - 2, t - 1)
            if isinstance(new, float) and isinstance(old, float):
                revised[t] = new - old
        return revised

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Extend the weighted levels of the windows, replicate by replicate at once."""
        window, periods = self.length, len(self.periods)
        band = self._band(weights) if self.method == "geks_jevons" else None

        def levels_of(first: int, stop: int) -> Floats:
            if band is not None:
                return _geks_levels(band, first, stop)
            return _dummy_levels(self.logs[first:stop], self.present[first:stop], weights)

        levels = np.full((periods, len(weights)), np.nan)
        levels[:window] = old = levels_of(0, window)
        olds = {window - 1: old}
        for t in range(window, periods):
            olds[t] = levels_of(t - window + 1, t + 1)
            levels[t] = _spliced(levels, olds, t, window, self.splice)
            olds.pop(t - window, None)
        return np.exp(levels), np.where(np.isfinite(levels), 0, ABSENT)

    def parts(self, previous: Integers) -> Floats:
        """Split the movement within the window that ends in each period, see `nested_parts`; the splice is apart."""
        value = self._geks_value if self.method == "geks_jevons" else self._dummy_value
        return nested_parts(value, self.used, self.present, previous)

    def _start(self, t: int) -> int:
        return max(0, t - self.length + 1)

    def _in_window(self) -> Booleans:
        rows = np.arange(len(self.periods))
        start = np.maximum(0, rows - self.length + 1)[:, None]
        stop = np.maximum(rows + 1, self.length)[:, None]
        inside: Booleans = (rows >= start) & (rows < stop)
        return inside

    def _geks_value(self, chosen: Booleans, rows: Integers) -> Floats:
        """Average over the window's periods the chosen products' mean log price change since each."""
        here = chosen & self.present[rows]
        present = self.present.astype(np.float64)
        moved = (here * self.logs[rows]) @ present.T - here.astype(np.float64) @ self.logs.T
        count = here.astype(np.float64) @ present.T
        there = (count > 0) & self._in_window()
        mean = np.where(there, moved / np.maximum(count, 1.0), 0.0)
        with np.errstate(invalid="ignore"):
            value: Floats = mean.sum(axis=1) / there.sum(axis=1)
        return value

    def _dummy_value(self, chosen: Booleans, rows: Integers) -> Floats:
        """Average the chosen products' log prices less their product effects of the window."""
        values = np.full(len(rows), np.nan)
        for t, row in enumerate(rows):
            first, stop = self._start(t), max(t + 1, self.length)
            levels = np.nan_to_num(self.window_of(first, stop).log_levels)
            present = self.present[first:stop]
            count = np.maximum(present.sum(axis=0), 1)
            effects = ((self.logs[first:stop] - levels[:, None]) * present).sum(axis=0) / count
            here = chosen[t] & self.present[row]
            if here.any():
                values[t] = (self.logs[row] - effects)[here].mean()
        return values

    def _band(self, weights: Floats) -> tuple[Floats, Floats]:
        """Give the pairs' weighted log changes and product counts: later period x distance x replicates."""
        window, periods = self.length, len(self.periods)
        moved, count = (np.zeros((periods, window, len(weights))) for _ in range(2))
        for t in range(periods):
            before = np.arange(t, max(-1, t - window), -1)
            both = self.present[before] & self.present[t]
            changes = np.where(both, self.logs[t] - self.logs[before], 0.0)
            moved[t, : len(before)] = changes @ weights.T
            count[t, : len(before)] = both.astype(np.float64) @ weights.T
        return np.divide(moved, count, where=count > 0, out=np.zeros_like(moved)), count


def _geks_levels(band: tuple[Floats, Floats], first: int, stop: int) -> Floats:
    """Give GEKS levels of a window, periods x replicates; nan where a pair of periods is not linked."""
    changes, count = band
    length = stop - first
    total = np.zeros((length, changes.shape[2]))
    there = np.array([count[t, 0] > 0 for t in range(first, stop)])
    complete = np.ones(changes.shape[2], dtype=np.bool_)
    for later in range(length):
        for distance in range(1, later + 1):
            earlier, change = later - distance, changes[first + later, distance]
            total[later] += change
            total[earlier] -= change
            linked = count[first + later, distance] > 0
            complete &= linked | ~there[later] | ~there[earlier]
    levels = total / np.maximum(there.sum(axis=0), 1)
    return np.where(there & complete, levels, np.nan)


def _dummy_levels(logs: Floats, present: Booleans, weights: Floats) -> Floats:
    """Give time-product dummy levels of a window, periods x replicates; nan where the regression has no solution.

    Weights of products cancel from their own mean, so that the normal equations are sums over products of the weight
    times what the product alone adds.
    """
    periods = len(logs)
    seen = np.maximum(present.sum(axis=0), 1)
    mine = present.astype(np.float64)
    centred = (logs - (logs * mine).sum(axis=0) / seen) * mine
    pairs = (mine[:, None, :] * mine[None, :, :] / seen).reshape(periods * periods, -1)
    links = (weights @ pairs.T).reshape(-1, periods, periods)
    moved = weights @ centred.T
    count = weights @ mine.T
    there = count > 0
    system = -links
    rows = np.arange(periods)
    system[:, rows, rows] += count
    reached = links > 0
    for _ in range(max(1, int(np.ceil(np.log2(max(periods, 2)))))):
        reached = (reached.astype(np.float32) @ reached.astype(np.float32)) > 0
    both = there[:, :, None] & there[:, None, :]
    solvable = (reached | ~both).all(axis=(1, 2)) & there.any(axis=1)
    # A row of ones fixes the level (the mean is 0) and leaves periods without a product out of it.
    system += both
    system[:, rows, rows] += ~there
    system[~solvable] = np.eye(periods)
    levels = np.linalg.solve(system, np.where(there, moved, 0.0)[:, :, None])[:, :, 0]
    return np.where(there & solvable[:, None], levels, np.nan).T


def _spliced(levels: Floats, olds: dict[int, Floats], t: int, window: int, splice: str) -> Floats:
    """Link a period's new window to the published levels of each replicate, as `extension.extended_levels` does."""
    start, new = t - window + 1, olds[t]
    if splice == "mean_published":
        links = levels[start:t] + new[-1] - new[:-1]
        there = np.isfinite(links)
        count = there.sum(axis=0)
        mean = np.where(there, links, 0.0).sum(axis=0) / np.maximum(count, 1)
        return np.where(count > 0, mean, np.nan)
    published = np.isfinite(levels[:t])
    anchor = np.where(published.any(axis=0), t - 1 - published[::-1].argmax(axis=0), -1)
    value = np.full(levels.shape[1], np.nan)
    for u in np.unique(anchor[anchor >= start]):
        own = anchor == u
        if splice == "movement":
            value[own] = levels[u, own] + new[-1, own] - new[u - start, own]
        else:
            old = olds[max(int(u), window - 1)]
            first = max(int(u), window - 1) - window + 1
            back = old[u - first, own] - old[start - first, own]
            value[own] = levels[u, own] - back + new[-1, own] - new[0, own]
    return value
