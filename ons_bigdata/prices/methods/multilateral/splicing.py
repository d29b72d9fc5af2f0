"""Extension of a multilateral index beyond its first window: rolling and expanding windows, splices, fixed bases.

Works on the log levels of each window, whatever the method, in all replicates at once. Published levels are never
revised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.multilateral.windows import WindowLevels, WindowOf

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

NOT_SPLICED = "none"
ON_PREVIOUS = ("movement", "window", "half", "mean")
ON_PUBLISHED = ("window_published", "half_published", "mean_published")
FIXED_BASE = ("fixed_base_expanding", "fixed_base_moving")
SPLICES = (*ON_PREVIOUS, *ON_PUBLISHED, *FIXED_BASE)
SPLICE_ALIASES = {
    "wisp": "window_published",
    "hasp": "half_published",
    "mean_pub": "mean_published",
    "none": "None, one window of all periods",
    "no": "None, one window of all periods",
    "join": "movement",
    "movement_published": "movement, which is the same on the published series",
    "movement_pub": "movement, which is the same on the published series",
    "window_splice": "window",
    "half_window": "half",
    "half_window_splice": "half",
    "half_splice": "half",
    "movement_splice": "movement",
    "mean_splice": "mean",
    "geomean": "mean",
    "geometric_mean": "mean",
    "window_splice_on_published": "window_published",
    "fbew": "fixed_base_expanding with the option expanding",
    "fbmw": "fixed_base_moving",
}
"""Names of splices in the literature and in other packages → ours."""
HALF_POSITIONS = ("new_window", "old_window")
FIRST_VALUES = ("window_start", "window_end")
EXPANDING = ("fbew_december", "fbew_window")


@dataclass(frozen=True)
class Extension:
    """How a series is extended: the splice, the length of the window and the conventions.

    `splice`: one of `SPLICES`, or `NOT_SPLICED`: one window over everything. `window`: its length W in calendar
    periods (None where none is used). `half_position`, of the half splices: "new_window", period (W-1)//2 of the
    new window counted from 0; "old_window", period ⌈W/2⌉ of the old window counted from 1. `first_value`: which
    period of the first window has index 1, its start or its end. `expanding`, of fixed_base_expanding:
    "fbew_december" or "fbew_window".
    `bases`: the fixed bases, counted from 0 in the calendar.
    """

    splice: str = NOT_SPLICED
    window: int | None = None
    half_position: str = "new_window"
    first_value: str = "window_start"
    expanding: str | None = None
    bases: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class KnownLevels:
    """Levels of the first periods of a calendar, which are not computed again; the calendar may begin in mid-series.

    `levels`: log levels, periods × replicates, nan where there is none. `has_earlier`: whether the first replicate has
    a level before the calendar's first period.

    A calendar that begins in mid-series needs a window before the first period to compute; for the splices on the
    window before, two windows less two periods.
    """

    levels: Floats
    has_earlier: bool = False


@dataclass(eq=False)
class _Series:
    """Series so far: log levels (periods × replicates, nan = none) and the reasons why the first replicate has none.

    `known`: None where all periods are computed, and reasons may name the reason of an earlier period.
    """

    calendar: Sequence[Any]
    window_of: WindowOf
    extension: Extension
    levels: Floats
    reasons: list[str | None]
    known: KnownLevels | None

    def fault(self, period: int) -> str | None:
        """Reason why a period that links or is a base has no level in the first replicate."""
        if np.isfinite(self.levels[period, 0]):
            return None
        reason = self.reasons[period] if self.known is None else None
        return f"link period {self.calendar[period]} has no index" + (f": {reason}" if reason else "")

    @property
    def has_earlier(self) -> bool:
        """True if the first replicate has a level before the calendar's first period."""
        return self.known is not None and self.known.has_earlier


def extended_levels(
    window_of: WindowOf,
    calendar: Sequence[Any],
    extension: Extension,
    origins: Integers | None = None,
    known: KnownLevels | None = None,
) -> tuple[Floats, list[str | None]]:
    """Log levels of all calendar periods, and the reasons why the first replicate has none.

    Gives periods × replicates, nan where there is no level, and one reason per period, None where the first replicate
    has a level. `origins`: period of the first window in which each replicate's level is 0; the first period where
    None. `known`: levels of the first periods, which are given back without reasons unless they are of the first
    window. Reasons then name a link period without a level, but not its own reason. Not for fixed bases.

    With new and old the levels of the windows ending in t and in u, the last period before t that has an index (t-1
    where there is no gap), k the link period and P the published index:

    movement: k = u. window: k = t-W+1. half: `Extension.half_position`. mean: geometric mean over all k in both.
        P_t = P_u · [new(t)/new(k)] / [old(u)/old(k)]
    window_published, half_published, mean_published: the same k.
        P_t = P_k · new(t)/new(k)
    fixed_base_moving: the trailing W periods; fixed_base_expanding: from b to t; b is the last base before t.
        P_t = P_b · new(t)/new(b)

    The first W periods come from the first window; with fbew_december there is none and the first period is a base.
    With fbew_window the bases are the end of the first window and every W-1 periods on. A mean leaves out the
    link periods that have no level; a single link that has none makes t null, and later periods link again where
    they can.

    Source: Krsinich (2016), The FEWS index, Journal of Official Statistics 32(2) (window); Diewert and Fox (2022),
    Substitution bias in multilateral methods for CPI construction, Journal of Business & Economic Statistics 40(1)
    (mean); Chessa (2016), A new methodology for processing scanner data in the Dutch CPI, EURONA 1 (fixed base);
    Eurostat (2022), Guide on Multilateral Methods in the HICP (all).
    """
    if not calendar:
        return np.empty((0, 1)), []
    last = len(calendar) - 1
    if extension.expanding == "fbew_december":
        opening = 0
    else:
        opening = last if extension.window is None else min(extension.window - 1, last)
    begin = 0 if known is None else len(known.levels)
    reasons: list[str | None] = [None] * begin
    if known is not None and begin > opening:
        levels = known.levels
    else:
        levels, reasons = _first_levels(window_of(0, opening + 1), origins)
    empty = np.full((len(calendar) - len(levels), levels.shape[1]), np.nan)
    reasons += [None] * len(empty)
    series = _Series(calendar, window_of, extension, np.concatenate([levels, empty]), reasons, known)
    begin = max(begin, opening + 1)
    if extension.splice in FIXED_BASE:
        _extend_from_bases(series, opening)
    elif extension.splice in ON_PUBLISHED:
        _extend_on_published(series, opening, begin)
    elif extension.splice in ON_PREVIOUS:
        _extend_on_previous(series, opening, begin)
    if extension.first_value == "window_end":
        _rebase(series, opening)
    return series.levels, series.reasons


def _first_levels(first: WindowLevels, origins: Integers | None) -> tuple[Floats, list[str | None]]:
    """Levels of the first window, and the reasons why the first replicate has none."""
    starts = np.zeros(first.log_levels.shape[1], dtype=np.int64) if origins is None else origins
    levels = first.levels_since(starts)
    return levels, [
        first.fault(int(starts[0]), period) if missing else None
        for period, missing in enumerate(np.isnan(levels[:, 0]).tolist())
    ]


def _extend_on_published(series: _Series, opening: int, begin: int) -> None:
    for period in range(begin, len(series.calendar)):
        new = series.window_of(period - opening, period + 1)
        links = _link_periods(period, period - 1, opening + 1, series.extension)
        series.levels[period] = _mean(series.levels[links] + new.changes(links, period))
        if np.isnan(series.levels[period, 0]):
            link = int(links[0])
            series.reasons[period] = new.fault(period, period) or series.fault(link) or new.fault(link, period)


def _extend_on_previous(series: _Series, opening: int, begin: int) -> None:
    """Link each period to the window that ends in the last period with a level; replicates may differ in that."""
    levels, window = series.levels, opening + 1
    ending = _EndingWindows(series.window_of, opening)
    there = np.isfinite(levels[:begin])
    anchors = np.where(there.any(axis=0), begin - 1 - there[::-1].argmax(axis=0), -1)
    for period in range(begin, len(series.calendar)):
        links = {anchor: _link_periods(period, anchor, window, series.extension) for anchor in {*anchors.tolist()}}
        links = {anchor: periods for anchor, periods in sorted(links.items()) if len(periods)}
        # the old windows first: tables of pairs grow at the end alone
        before = {anchor: ending.window_of(anchor) for anchor in links}
        new = ending.window_of(period)
        for anchor, periods in links.items():
            linked = levels[anchor] - before[anchor].changes(periods, anchor) + new.changes(periods, period)
            chosen = anchors == anchor
            levels[period, chosen] = _mean(linked[:, chosen])
        if np.isnan(levels[period, 0]):
            series.reasons[period] = new.fault(period, period) or _unlinked(series, ending, int(anchors[0]), period)
        anchors = np.where(np.isfinite(levels[period]), period, anchors)
        ending.forget(period - window)


class _EndingWindows:
    """Windows by the period that they end in; periods of the first window have that one. Each is computed once."""

    def __init__(self, window_of: WindowOf, opening: int) -> None:
        self.opening = opening
        self._window_of = window_of
        self._windows: dict[int, WindowLevels] = {}

    def window_of(self, period: int) -> WindowLevels:
        """Window that ends in a period."""
        end = max(period, self.opening)
        if end not in self._windows:
            self._windows[end] = self._window_of(end - self.opening, end + 1)
        return self._windows[end]

    def forget(self, period: int) -> None:
        """Drop the window that ends in a period to which none can link any more."""
        self._windows.pop(period, None)


def _unlinked(series: _Series, ending: _EndingWindows, anchor: int, period: int) -> str | None:
    """Reason why nothing links a period with products to the window that ends in the anchor."""
    if anchor < 0 and not series.has_earlier:
        return "no earlier period has an index"
    links = _link_periods(period, anchor, ending.opening + 1, series.extension)
    if not len(links):
        return "no link period is shared with the last window that has an index"
    link = int(links[0])
    return ending.window_of(anchor).fault(anchor, link) or ending.window_of(period).fault(link, period)


def _extend_from_bases(series: _Series, opening: int) -> None:
    calendar = series.calendar
    bases = _bases(series.extension, opening, len(calendar))
    for period in range(opening + 1, len(calendar)):
        before = [base for base in bases if base < period]
        if not before:
            series.reasons[period] = f"no base before period {calendar[period]}"
            continue
        base = before[-1]
        first = base if series.extension.splice == "fixed_base_expanding" else period - opening
        new = series.window_of(first, period + 1)
        if base < first:
            outside = f"period {calendar[base]} is not in the window from {calendar[first]}"
            series.reasons[period] = new.fault(period, period) or outside
            continue
        series.levels[period] = series.levels[base] + new.changes(np.array([base]), period)[0]
        if np.isnan(series.levels[period, 0]):
            series.reasons[period] = new.fault(base, period) or series.fault(base)


def _bases(extension: Extension, opening: int, periods: int) -> list[int]:
    if extension.expanding == "fbew_window":
        return [*range(opening, periods, opening)]
    return sorted({0, *extension.bases} if extension.expanding == "fbew_december" else extension.bases)


def _link_periods(period: int, anchor: int, window: int, extension: Extension) -> Integers:
    """Link periods of a splice that both windows contain."""
    start = period - window + 1
    name = extension.splice.removesuffix("_published")
    half = (window - 1) // 2 if extension.half_position == "new_window" else (window + 1) // 2 - 2
    links = {"movement": [anchor], "window": [start], "half": [start + half], "mean": range(start, anchor + 1)}[name]
    return np.array([k for k in links if start <= k <= anchor], dtype=np.int64)


def _mean(values: Floats) -> Floats:
    """Mean over the links that have a value, links × replicates; nan where none has."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.divide(total, count, where=count > 0, out=np.full(values.shape[1], np.nan))


def _rebase(series: _Series, base: int) -> None:
    series.reasons = [reason or series.fault(base) for reason in series.reasons]
    series.levels = series.levels - series.levels[base]
