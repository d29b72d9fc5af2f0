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


@dataclass(eq=False)
class _Series:
    """Series so far: log levels (periods × replicates, nan = none) and the reasons why the first replicate has none."""

    calendar: Sequence[Any]
    window_of: WindowOf
    extension: Extension
    levels: Floats
    reasons: list[str | None]

    def fault(self, period: int) -> str | None:
        """Reason why a period that links or is a base has no level in the first replicate."""
        reason = self.reasons[period]
        return reason and f"link period {self.calendar[period]} has no index: {reason}"


def extended_levels(
    window_of: WindowOf, calendar: Sequence[Any], extension: Extension, origins: Integers | None = None
) -> tuple[Floats, list[str | None]]:
    """Log levels of all calendar periods, and the reasons why the first replicate has none.

    Gives periods × replicates, nan where there is no level, and one reason per period, None where the first replicate
    has a level. `origins`: period of the first window in which each replicate's level is 0; the first period where
    None.

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
    first = window_of(0, opening + 1)
    starts = np.zeros(first.log_levels.shape[1], dtype=np.int64) if origins is None else origins
    levels = np.full((len(calendar), len(starts)), np.nan)
    levels[: opening + 1] = first.levels_since(starts)
    reasons: list[str | None] = [None] * len(calendar)
    for period in np.flatnonzero(np.isnan(levels[: opening + 1, 0])):
        reasons[period] = first.fault(int(starts[0]), int(period))
    series = _Series(calendar, window_of, extension, levels, reasons)
    if extension.splice in FIXED_BASE:
        _extend_from_bases(series, opening)
    elif extension.splice in ON_PUBLISHED:
        _extend_on_published(series, opening)
    elif extension.splice in ON_PREVIOUS:
        _extend_on_previous(series, first)
    if extension.first_value == "window_end":
        _rebase(series, opening)
    return series.levels, series.reasons


def _extend_on_published(series: _Series, opening: int) -> None:
    for period in range(opening + 1, len(series.calendar)):
        new = series.window_of(period - opening, period + 1)
        links = _link_periods(period, period - 1, opening + 1, series.extension)
        series.levels[period] = _mean(series.levels[links] + new.changes(links, period))
        if np.isnan(series.levels[period, 0]):
            link = int(links[0])
            series.reasons[period] = new.fault(period, period) or series.fault(link) or new.fault(link, period)


def _extend_on_previous(series: _Series, first: WindowLevels) -> None:
    """Link each period to the window that ends in the last period with a level; replicates may differ in that."""
    levels, extension, window = series.levels, series.extension, len(first.log_levels)
    opening = window - 1
    ending = {opening: first}
    there = np.isfinite(levels[:window])
    anchors = np.where(there.any(axis=0), opening - there[::-1].argmax(axis=0), -1)
    for period in range(window, len(series.calendar)):
        new = ending[period] = series.window_of(period - opening, period + 1)
        for anchor in sorted({*anchors.tolist()} - {-1}):
            links = _link_periods(period, anchor, window, extension)
            if len(links):
                old = ending[max(anchor, opening)]
                linked = levels[anchor] - old.changes(links, anchor) + new.changes(links, period)
                chosen = anchors == anchor
                levels[period, chosen] = _mean(linked[:, chosen])
        if np.isnan(levels[period, 0]):
            series.reasons[period] = new.fault(period, period) or _unlinked(series, ending, int(anchors[0]), period)
        anchors = np.where(np.isfinite(levels[period]), period, anchors)
        ending.pop(period - window, None)


def _unlinked(series: _Series, ending: dict[int, WindowLevels], anchor: int, period: int) -> str | None:
    """Reason why nothing links a period with products to the window that ends in the anchor."""
    new = ending[period]
    if anchor < 0:
        return "no earlier period has an index"
    links = _link_periods(period, anchor, len(new.log_levels), series.extension)
    if not len(links):
        return f"no link period is shared with the last window that has an index, to {series.calendar[anchor]}"
    link, old = int(links[0]), ending[max(anchor, len(new.log_levels) - 1)]
    return old.fault(anchor, link) or new.fault(link, period)


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
