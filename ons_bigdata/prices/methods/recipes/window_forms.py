"""GEKS-Jevons and time-product dummy of one retailer and item, over windows that a splice extends.

Levels are computed by `methods.multilateral`; the split of their movements into parts is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.multilateral.geks import geks_windows
from ons_bigdata.prices.methods.multilateral.splicing import Extension, KnownLevels, extended_levels
from ons_bigdata.prices.methods.multilateral.time_product_dummy import time_product_dummy_windows
from ons_bigdata.prices.methods.panels.price_panel import PricePanel
from ons_bigdata.prices.methods.recipes.blocks.past import Continued
from ons_bigdata.prices.methods.recipes.forms import ALL, nested_parts, whole_history

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.multilateral.windows import WindowLevels, WindowOf
    from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

INCOMPLETE = "null"
"""Of a window in which two periods share no product, GEKS gives no level; see `geks.geks_windows`."""


@dataclass(frozen=True, eq=False)
class WindowForm(ABC):
    """A multilateral index of one retailer and item, periods x products, from its first period with a price on.

    `periods`: all periods of the calendar from the first to the last with a price, or, in a view that begins later,
    from the first of the view; levels of the periods before a block are then known. `logs`: log prices, 0 where absent.
    `end`: number of the first periods up to the end of the block, None for all; levels of later ones are computed as
    far as the first window needs them, since those periods only tell which products return.
    `window`: W; None where it holds all periods. `splice`: "none" or one of `splicing.ON_PREVIOUS`, `ON_PUBLISHED`. A
    method is a subclass: how it computes windows, and the log index over a set of products.
    """

    periods: Sequence[Any]
    logs: Floats
    present: Booleans
    window: int | None
    splice: str
    end: int | None = None
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
    def computed(self) -> int:
        """Number of the periods whose levels are computed: those up to the end of the block, and the first window."""
        periods = len(self.periods)
        return periods if self.end is None else min(max(self.end, self.length), periods)

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

    def indices(self, known: KnownLevels | None = None, *, full: bool = False) -> tuple[Floats, list[str | None]]:
        """Values of the index, all products counting once (nan where there is none), and the reasons for none.

        `known`: levels of the first periods. `full`: over one window of all periods instead of spliced windows. Periods
        after those that are computed have neither.
        """
        extension, calendar = Extension() if full else self._extension, self.periods[: self.computed]
        levels, reasons = extended_levels(self.window_of, calendar, extension, known=known or _nothing_known(1))
        return np.exp(self._on_all_periods(levels)[:, 0]), [*reasons, *[None] * (len(self.periods) - len(calendar))]

    def replicates(self, weights: Floats, known: KnownLevels | None = None) -> tuple[Floats, Integers]:
        """Indices and segments of each replicate, 1 in the replicate's first period with a product."""
        known = known or _nothing_known(len(weights))
        origins = (self.present[: self.length].astype(np.float64) @ weights.T > 0).argmax(axis=0)
        calendar = self.periods[: self.computed]
        known_levels, _ = extended_levels(self._drawn_windows(weights), calendar, self._extension, origins, known)
        levels = self._on_all_periods(known_levels)
        return np.exp(levels), np.where(np.isfinite(levels), 0, ABSENT)

    def _on_all_periods(self, levels: Floats) -> Floats:
        """Levels of the first periods, and nan in later ones."""
        later = np.full((len(self.periods) - len(levels), levels.shape[1]), np.nan)
        return np.concatenate([levels, later])

    def window_of(self, first: int, stop: int) -> WindowLevels:
        """Levels of a window with all products counting once; each window is computed once."""
        if (first, stop) not in self._windows:
            self._windows[first, stop] = self._unweighted(first, stop)
        return self._windows[first, stop]

    @cached_property
    def _unweighted(self) -> WindowOf:
        return self._drawn_windows(np.ones((1, self.present.shape[1])))

    def _drawn_windows(self, counts: Floats) -> WindowOf:
        """Levels of any window; `counts`: how many times a product counts, replicates x products.

        Of products with a price in the periods that are computed: the digits of sums do not depend on the others.
        """
        present = self.present[: self.computed]
        priced = present.any(axis=0)
        present = present[:, priced]
        prices = np.exp(self.logs[: self.computed, priced]) * present
        panel = PricePanel(list(self.periods[: self.computed]), [], prices, None, present)
        return self._windows_of(panel, counts[:, priced])

    @abstractmethod
    def _windows_of(self, panel: PricePanel, counts: Floats) -> WindowOf:
        """Levels of any window of a panel; `counts`: how many times a product counts, replicates x products."""

    @abstractmethod
    def _value(self, chosen: Booleans, rows: Integers, ends: Integers) -> Floats:
        """Log index of each of some rows over the products chosen for it, in the window that ends in its row `ends`."""

    @property
    def _extension(self) -> Extension:
        return Extension(self.splice, self.length) if self.is_spliced else Extension()

    def revisions(self, begin: int = 0) -> Floats:
        """Revision of the last movement by each window: its log change from t-2 to t-1, less that of the old window.

        nan before the row `begin`, where the first window still grows and where either has no such change.
        """
        revised = np.full(len(self.periods), np.nan)
        for t in range(max(self.length, 2, begin), self.computed):
            before = np.array([t - 2])
            old, new = (self.window_of(stop - self.length, stop) for stop in (t, t + 1))
            revised[t] = (new.changes(before, t - 1) - old.changes(before, t - 1))[0, 0]
        return revised

    def parts(
        self,
        previous: Integers,
        _indices: Floats,
        _segments: Integers,
        /,
        rows: slice = ALL,
        within: int | None = None,
    ) -> Floats:
        """Split the movement within the window that ends in each period, see `nested_parts`; the splice is apart."""
        return nested_parts(self._value, self.used, self.present, previous, rows, within)

    def _start(self, t: int) -> int:
        return max(0, t - self.length + 1)

    def _in_window(self, ends: Integers) -> Booleans:
        """Mask of the periods in the window that ends in each of some rows."""
        rows = np.arange(len(self.periods))
        start = np.maximum(0, ends - self.length + 1)[:, None]
        stop = np.maximum(ends + 1, self.length)[:, None]
        inside: Booleans = (rows >= start) & (rows < stop)
        return inside


def _nothing_known(replicates: int) -> KnownLevels:
    return KnownLevels(np.empty((0, replicates)))


class Stretch(NamedTuple):
    """Unbroken stretch of periods: its number, its first row in the view, and its form."""

    number: int
    start: int
    form: WindowForm

    @property
    def rows(self) -> slice:
        """Rows of the view that the stretch covers."""
        return slice(self.start, self.start + len(self.form.periods))


@dataclass(frozen=True, eq=False)
class WindowStretches:
    """Stretches of periods of one retailer and item, each an index over windows of its own, for a block of periods.

    `kind`: the method. `periods`: of the view. `present`: which products have a price, periods x products. `block`: the
    periods to compute.
    `stretches`: in order, those with a price in the block or after it begins; periods outside of them have no price.
    Levels of two stretches have no common scale: each is a segment. `newest`, `began`: number and first period of the
    newest stretch that begins before the block's end, -1 where there is none. `window`: W; None where one holds all.
    """

    kind: type[WindowForm]
    periods: Sequence[Any]
    present: Booleans
    block: Block
    stretches: Sequence[Stretch]
    newest: int
    began: int
    window: int | None

    @property
    def used(self) -> Booleans:
        """The products that have a price."""
        return self._of_products([stretch.form.used for stretch in self.stretches])

    @property
    def matched(self) -> Booleans:
        """The products that are priced in another period of the period's window, too."""
        return self._of_products([stretch.form.matched for stretch in self.stretches])

    @property
    def segments(self) -> Integers:
        """Number of the stretch of each period, -1 outside of them."""
        numbers = [np.full(len(stretch.form.periods), stretch.number) for stretch in self.stretches]
        return self._stacked(numbers, fill=ABSENT, kind=int)

    def known_ahead(self) -> Iterator[bytes]:
        """All that the levels of the block depend on after it: the stretches, and the rest of a first window."""
        for stretch in (stretch for stretch in self.stretches if stretch.start < self.block.rows.stop):
            form, first = stretch.form, self.block.view + stretch.start
            in_block = len(form.periods) if form.end is None else min(len(form.periods), form.end)
            yield np.array([stretch.number, first, in_block, form.computed, form.is_spliced]).tobytes()
            yield np.where(form.present, form.logs, np.nan)[in_block : form.computed].tobytes()

    @property
    def keeps_newest_movement(self) -> Booleans:
        """Mask of the periods whose movement is that of the window that ends in them, whatever the splice."""
        forms = [stretch.form for stretch in self.stretches]
        kept = [np.full(len(form.periods), not form.is_spliced or form.splice == "movement") for form in forms]
        return self._stacked(kept, fill=True, kind=bool)

    def indices(self, past: Past) -> tuple[Floats, list[str | None]]:
        """Values of the block, all products counting once (nan where there is none), and the reasons for none.

        A period without a price has a reason within a stretch alone.
        """
        values: list[Floats] = []
        texts: list[str | None] = [None] * len(self.periods)
        for stretch in self.stretches:
            own, reasons = stretch.form.indices(self._known(stretch, past))
            values.append(own)
            texts[stretch.rows] = reasons
        return self._stacked(values, fill=np.nan)[self.block.rows], texts[self.block.rows]

    def full_window_indices(self, published: Floats) -> Floats:
        """Values over one window of all periods of a stretch: the published ones where it has no other."""
        values = [
            stretch.form.indices(full=True)[0] if stretch.form.is_spliced else published[stretch.rows]
            for stretch in self.stretches
        ]
        return self._stacked(values, fill=np.nan)

    def replicates(self, weights: Floats) -> tuple[Floats, Integers]:
        """Indices and segments of each replicate, see `WindowForm.replicates`."""
        return whole_history(self, weights)

    def continued(self, weights: Floats, block: Block, past: Past) -> Continued:
        """Indices and segments of the block. Raises ValueError on another block than that of the stretches."""
        if block != self.block:
            message = f"block: found {block}, expected that of the stretches, {self.block}"
            raise ValueError(message)
        values, segments = [], []
        for stretch in self.stretches:
            own, there = stretch.form.replicates(weights, self._known(stretch, past))
            values.append(own)
            segments.append(np.where(there >= 0, stretch.number, ABSENT))
        columns = (len(weights),)
        indices = self._stacked(values, fill=np.nan, columns=columns)[block.rows]
        numbers = self._stacked(segments, fill=ABSENT, columns=columns, kind=int)[block.rows]
        return Continued(indices, numbers, self.followed_by(past, indices, numbers))

    def followed_by(self, past: Past, indices: Floats, segments: Integers) -> Past:
        """Past of the block after this one, given the block's values and segments, periods x replicates."""
        newest = np.full(indices.shape[1], self.newest)
        reach = 0 if self.window is None else self.window - 1
        return past.followed_by(self.block, (indices, segments), newest, reach=reach, began=self.began)

    def revisions(self) -> Floats:
        """Revision of the last movement by each window, see `WindowForm.revisions`; nan outside of the block."""
        begin = self.block.rows.start
        revised = [stretch.form.revisions(max(begin - stretch.start, 0)) for stretch in self.stretches]
        return self._stacked(revised, fill=np.nan)

    def parts(
        self,
        previous: Integers,
        indices: Floats,
        segments: Integers,
        /,
        rows: slice = ALL,
        within: int | None = None,
    ) -> Floats:
        """Split the movements within each stretch, see `WindowForm.parts`; nan from one to another."""
        first, stop, _ = rows.indices(len(self.periods))
        split = np.full((len(self.periods), 3), np.nan)
        for stretch in self.stretches:
            own, start = stretch.rows, stretch.start
            inner = slice(max(first - start, 0), max(min(stop, own.stop) - start, 0))
            before = np.where(previous[own] >= start, previous[own] - start, -1)
            parts = stretch.form.parts(before, indices[own], segments[own], inner, within)
            split[start + inner.start : start + inner.stop] = parts
        return split[rows]

    def _known(self, stretch: Stretch, past: Past) -> KnownLevels:
        """Log levels of a stretch before the block."""
        levels, segments = past.onto(self.block, len(self.periods))
        before = slice(stretch.start, max(self.block.rows.start, stretch.start))
        of_stretch = segments[before] == stretch.number
        logs = np.log(levels[before], where=of_stretch, out=np.full(of_stretch.shape, np.nan))
        earlier = past.segments[past.rows < self.block.view + stretch.start]
        return KnownLevels(logs, has_earlier=bool((earlier[:, 0] == stretch.number).any()))

    def _of_products(self, masks: Sequence[Booleans]) -> Booleans:
        """Masks of the products of the stretches as one."""
        return self._stacked(masks, fill=False, columns=self.present.shape[1:], kind=bool)

    def _stacked(
        self, arrays: Sequence[NDArray[Any]], *, fill: float, columns: tuple[int, ...] = (), kind: type = float
    ) -> NDArray[Any]:
        """Arrays of the stretches as one, periods x `columns`, of numbers of a kind; `fill` outside of them."""
        whole: NDArray[Any] = np.full((len(self.periods), *columns), fill, dtype=kind)
        for stretch, array in zip(self.stretches, arrays, strict=True):
            whole[stretch.rows] = array
        return whole


class GeksJevonsForm(WindowForm):
    """GEKS-Jevons."""

    def _windows_of(self, panel: PricePanel, counts: Floats) -> WindowOf:
        return geks_windows(panel, "jevons", INCOMPLETE, counts)

    def _value(self, chosen: Booleans, rows: Integers, ends: Integers) -> Floats:
        """Average over the window's periods the chosen products' mean log price change since each."""
        here = chosen & self.present[rows]
        present = self.present.astype(np.float64)
        moved = (here * self.logs[rows]) @ present.T - here.astype(np.float64) @ self.logs.T
        count = here.astype(np.float64) @ present.T
        there = (count > 0) & self._in_window(ends)
        mean = np.where(there, moved / np.maximum(count, 1.0), 0.0)
        with np.errstate(invalid="ignore"):
            value: Floats = mean.sum(axis=1) / there.sum(axis=1)
        return value


@dataclass(frozen=True, eq=False)
class TimeProductDummyForm(WindowForm):
    """Time-product dummy without weights: all prices count alike."""

    _of_products: dict[int, Floats] = field(default_factory=dict, repr=False)

    def _windows_of(self, panel: PricePanel, counts: Floats) -> WindowOf:
        return time_product_dummy_windows(panel, "none", counts)

    def _value(self, chosen: Booleans, rows: Integers, ends: Integers) -> Floats:
        """Average the chosen products' log prices less their product effects of the window."""
        effects = np.array([self._effects(end) for end in ends.tolist()]).reshape(chosen.shape)
        here = chosen & self.present[rows]
        with np.errstate(invalid="ignore"):
            value: Floats = np.where(here, self.logs[rows] - effects, 0.0).sum(axis=1) / here.sum(axis=1)
        return value

    def _effects(self, end: int) -> Floats:
        """Product effects of the window that ends in a row: mean log price less the level, all periods alike."""
        if end not in self._of_products:
            first, stop = self._start(end), max(end + 1, self.length)
            levels = np.nan_to_num(self.window_of(first, stop).log_levels[:, 0])
            present = self.present[first:stop]
            moved = np.where(present, self.logs[first:stop] - levels[:, None], 0.0).sum(axis=0)
            self._of_products[end] = moved / np.maximum(present.sum(axis=0), 1)
        return self._of_products[end]
