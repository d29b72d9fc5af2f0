"""GEKS-Jevons and time-product dummy of one retailer and item, over windows that a splice extends.

Levels are computed by `methods.multilateral`; the split of their movements into parts is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.multilateral.geks import geks_windows
from ons_bigdata.prices.methods.multilateral.splicing import Extension, extended_levels
from ons_bigdata.prices.methods.multilateral.time_product_dummy import time_product_dummy_windows
from ons_bigdata.prices.methods.panels.price_panel import PricePanel
from ons_bigdata.prices.methods.recipes.forms import nested_parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.multilateral.windows import WindowLevels, WindowOf

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

INCOMPLETE = "null"
"""Of a window in which two periods share no product, GEKS gives no level; see `geks.geks_windows`."""


@dataclass(frozen=True, eq=False)
class WindowForm(ABC):
    """A multilateral index of one retailer and item, periods x products, from its first period with a price on.

    `periods`: all periods of the calendar from the first to the last with a price. `logs`: log prices, 0 where absent.
    `window`: W; None where it holds all periods. `splice`: "none" or one of `splicing.ON_PREVIOUS`, `ON_PUBLISHED`. A
    method is a subclass: how it computes windows, and the log index over a set of products.
    """

    periods: Sequence[Any]
    logs: Floats
    present: Booleans
    window: int | None
    splice: str
    _windows: dict[tuple[int, int], WindowLevels] = field(default_factory=dict, repr=False)

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
    def is_spliced(self) -> bool:
        """True if there are more periods than one window holds."""
        return self.length < len(self.periods)

    @property
    def matched(self) -> Booleans:
        """The products that are priced in another period of the period's window, too."""
        running = np.vstack([np.zeros((1, self.present.shape[1]), dtype=np.int64), np.cumsum(self.present, axis=0)])
        rows = np.arange(len(self.periods))
        stop = np.maximum(rows + 1, self.length)
        count = running[stop] - running[stop - self.length]
        return self.present & (count > 1)

    def indices(self, *, full: bool = False) -> tuple[Floats, list[str | None]]:
        """Values of the index, all products counting once (nan where there is none), and the reasons for none.

        `full`: over one window of all periods instead of spliced windows.
        """
        extension = Extension() if full else self._extension
        levels, reasons = extended_levels(self.window_of, self.periods, extension)
        return np.exp(levels[:, 0]), reasons

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Indices and segments of each replicate, 1 in the replicate's first period with a product."""
        origins = (self.present[: self.length].astype(np.float64) @ weights.T > 0).argmax(axis=0)
        levels, _ = extended_levels(self._windows_of(weights), self.periods, self._extension, origins)
        return np.exp(levels), np.where(np.isfinite(levels), 0, ABSENT)

    def window_of(self, first: int, stop: int) -> WindowLevels:
        """Levels of a window with all products counting once; each window is computed once."""
        if (first, stop) not in self._windows:
            self._windows[first, stop] = self._unweighted(first, stop)
        return self._windows[first, stop]

    @cached_property
    def _unweighted(self) -> WindowOf:
        return self._windows_of(np.ones((1, self.present.shape[1])))

    def _panel(self) -> PricePanel:
        return PricePanel(list(self.periods), [], np.exp(self.logs) * self.present, None, self.present)

    @abstractmethod
    def _windows_of(self, counts: Floats) -> WindowOf:
        """Levels of any window; `counts`: how many times a product counts, replicates x products."""

    @abstractmethod
    def _value(self, chosen: Booleans, rows: Integers) -> Floats:
        """Log index of each of some rows over the products chosen for it, within the window that ends in the row."""

    @property
    def _extension(self) -> Extension:
        return Extension(self.splice, self.length) if self.is_spliced else Extension()

    def revisions(self) -> Floats:
        """Revision of the last movement by each window: its log change from t-2 to t-1, less that of the old window.

        nan where the first window still grows and where either has no such change.
        """
        revised = np.full(len(self.periods), np.nan)
        for t in range(max(self.length, 2), len(self.periods)):
            before = np.array([t - 2])
            new, old = (self.window_of(stop - self.length, stop) for stop in (t + 1, t))
            revised[t] = (new.changes(before, t - 1) - old.changes(before, t - 1))[0, 0]
        return revised

    def parts(self, previous: Integers, _indices: Floats, _segments: Integers) -> Floats:
        """Split the movement within the window that ends in each period, see `nested_parts`; the splice is apart."""
        return nested_parts(self._value, self.used, self.present, previous)

    def _start(self, t: int) -> int:
        return max(0, t - self.length + 1)

    def _in_window(self) -> Booleans:
        rows = np.arange(len(self.periods))
        start = np.maximum(0, rows - self.length + 1)[:, None]
        stop = np.maximum(rows + 1, self.length)[:, None]
        inside: Booleans = (rows >= start) & (rows < stop)
        return inside


@dataclass(frozen=True, eq=False)
class WindowStretches:
    """Stretches of periods of one retailer and item, each an index over windows of its own.

    `periods`: all periods of the calendar from the first to the last with a price. `forms`: of the stretches, `starts`:
    their first rows; periods between them have no price. Levels of two stretches have no common scale: each is a
    segment.
    """

    periods: Sequence[Any]
    forms: Sequence[WindowForm]
    starts: Sequence[int]

    @property
    def used(self) -> Booleans:
        """The products that have a price."""
        return self._stacked([form.used for form in self.forms], fill=False)

    @property
    def matched(self) -> Booleans:
        """The products that are priced in another period of the period's window, too."""
        return self._stacked([form.matched for form in self.forms], fill=False)

    @property
    def segments(self) -> Integers:
        """Number of the stretch of each period, -1 between two."""
        return self._stacked([np.full(len(form.periods), n) for n, form in enumerate(self.forms)], fill=ABSENT)

    @property
    def keeps_newest_movement(self) -> Booleans:
        """Mask of the periods whose movement is that of the window that ends in them, whatever the splice."""
        kept = [np.full(len(form.periods), not form.is_spliced or form.splice == "movement") for form in self.forms]
        return self._stacked(kept, fill=True)

    def indices(self) -> tuple[Floats, list[str | None]]:
        """Values of the index, all products counting once (nan where there is none), and the reasons for none."""
        values, reasons = zip(*(form.indices() for form in self.forms), strict=True)
        texts: list[str | None] = [f"no product in period {period}" for period in self.periods]
        for rows, own in zip(self._rows(), reasons, strict=True):
            texts[rows] = own
        return self._stacked(values, fill=np.nan), texts

    def full_window_indices(self, published: Floats) -> Floats:
        """Values over one window of all periods of a stretch: the published ones where it has no other."""
        values = [
            form.indices(full=True)[0] if form.is_spliced else published[rows]
            for form, rows in zip(self.forms, self._rows(), strict=True)
        ]
        return self._stacked(values, fill=np.nan)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Indices and segments of each replicate, see `WindowForm.replicates`."""
        values, segments = zip(*(form.replicates(weights) for form in self.forms), strict=True)
        numbered = [np.where(own >= 0, n, ABSENT) for n, own in enumerate(segments)]
        return self._stacked(values, fill=np.nan), self._stacked(numbered, fill=ABSENT)

    def revisions(self) -> Floats:
        """Revision of the last movement by each window, see `WindowForm.revisions`."""
        return self._stacked([form.revisions() for form in self.forms], fill=np.nan)

    def parts(self, previous: Integers, indices: Floats, segments: Integers) -> Floats:
        """Split the movements within each stretch, see `WindowForm.parts`; nan from one to another."""
        parts = []
        for form, rows in zip(self.forms, self._rows(), strict=True):
            own = np.where(previous[rows] >= rows.start, previous[rows] - rows.start, -1)
            parts.append(form.parts(own, indices[rows], segments[rows]))
        return self._stacked(parts, fill=np.nan)

    def _rows(self) -> list[slice]:
        return [slice(start, start + len(form.periods)) for start, form in zip(self.starts, self.forms, strict=True)]

    def _stacked(self, arrays: Sequence[NDArray[Any]], *, fill: float) -> NDArray[Any]:
        """Arrays of the stretches as one."""
        whole = np.full((len(self.periods), *arrays[0].shape[1:]), fill, dtype=arrays[0].dtype)
        for rows, array in zip(self._rows(), arrays, strict=True):
            whole[rows] = array
        return whole


class GeksJevonsForm(WindowForm):
    """GEKS-Jevons."""

    def _windows_of(self, counts: Floats) -> WindowOf:
        return geks_windows(self._panel(), "jevons", INCOMPLETE, counts)

    def _value(self, chosen: Booleans, rows: Integers) -> Floats:
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


class TimeProductDummyForm(WindowForm):
    """Time-product dummy without weights: all prices count alike."""

    def _windows_of(self, counts: Floats) -> WindowOf:
        return time_product_dummy_windows(self._panel(), "none", counts)

    def _value(self, chosen: Booleans, rows: Integers) -> Floats:
        """Average the chosen products' log prices less their product effects of the window."""
        values = np.full(len(rows), np.nan)
        for t, row in enumerate(rows):
            first, stop = self._start(t), max(t + 1, self.length)
            levels = np.nan_to_num(self.window_of(first, stop).log_levels[:, 0])
            present = self.present[first:stop]
            count = np.maximum(present.sum(axis=0), 1)
            effects = ((self.logs[first:stop] - levels[:, None]) * present).sum(axis=0) / count
            here = chosen[t] & self.present[row]
            if here.any():
                values[t] = (self.logs[row] - effects)[here].mean()
        return values
