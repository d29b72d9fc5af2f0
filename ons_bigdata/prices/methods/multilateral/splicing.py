"""Extension of a multilateral index beyond its first window: rolling and expanding windows, splices, fixed bases.

Works on the log levels of each window, whatever the method. Published levels are never revised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
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
    "window_splice": "window",
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

Change = float | str
"""A log change between two periods, or the reason why there is none."""


@dataclass(frozen=True, eq=False)
class WindowLevels:
    """Log levels of one window, comparable within a component only.

    `first`: the window's first period, counted from 0 in the calendar. `log_levels`: one per period, any constant per
    component. `components`: which periods are linked by shared products; -1 for a period without any product.
    `faults`: component → why it has no levels.
    """

    calendar: Sequence[Any]
    first: int
    log_levels: Floats
    components: Integers
    faults: dict[int, str]

    def change(self, start: int, end: int) -> Change:
        """Log change between two periods (counted in the calendar), or the reason why there is none."""
        for period in (end, start):
            if not self.first <= period < self.first + len(self.log_levels):
                return f"period {self.calendar[period]} is not in the window from {self.calendar[self.first]}"
            component = int(self.components[period - self.first])
            if component < 0:
                return f"no product in period {self.calendar[period]}"
            if component in self.faults:
                return self.faults[component]
        if self.components[start - self.first] != self.components[end - self.first]:
            return f"no chain of shared products links period {self.calendar[end]} to {self.calendar[start]}"
        return float(self.log_levels[end - self.first] - self.log_levels[start - self.first])


WindowOf = Callable[[int, int], WindowLevels]
"""The levels of the periods first ≤ t < stop of the calendar."""

ReplicatesOf = Callable[[int, int], "Floats"]
"""Log levels of the periods first ≤ t < stop for each replicate (periods × replicates), nan where there is none."""

LevelsOf = Callable[["Integers"], "Floats | str"]
"""The log levels of some linked calendar periods, or why there are none."""


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


BLOCK_CELLS = 2**18
"""T²·B of a block of B products: T×B by B×T products of this size stay in the cache and in one thread of the BLAS."""


def product_blocks(periods: int, products: int) -> list[slice]:
    """Cut products into blocks for T×T sums, of at least 128: smaller ones cost more in calls than in sums."""
    width = max(BLOCK_CELLS // max(periods, 1) ** 2, 128)
    return [slice(first, first + width) for first in range(0, products, width)]


def overlap(presence: Booleans) -> Floats:
    """Count the products that each pair of periods shares: T×N → T×T."""
    shared = np.zeros((len(presence), len(presence)))
    for block in product_blocks(*presence.shape):
        present = presence[:, block].astype(np.float64)
        shared += present @ present.T
    return shared


def overlap_components(shared: Floats) -> Integers:
    """Label periods by connected component, in order of first period; -1 where a period has no product.

    `shared`: T×T, above 0 where two periods share a product (on the diagonal: where the period has one).
    """
    linked = shared > 0
    components = np.full(len(linked), -1, dtype=np.int64)
    number = 0
    for period in np.flatnonzero(linked.diagonal()):
        if components[period] >= 0:
            continue
        members = linked[period]
        while (wider := linked[members].any(axis=0)).sum() > members.sum():
            members = wider
        components[members] = number
        number += 1
    return components


def component_windows(calendar: Sequence[Any], presence: Booleans, levels_of: LevelsOf) -> WindowOf:
    """Levels of any window, from a method's levels of linked periods, component by component.

    `presence`: T×N, which product is present in which calendar period. `levels_of`: the log levels of calendar periods
    linked by products, or the reason why there are none.
    """
    shared = overlap(presence)

    def window_of(first: int, stop: int) -> WindowLevels:
        components = overlap_components(shared[first:stop, first:stop])
        levels = np.full(stop - first, np.nan)
        faults: dict[int, str] = {}
        for component in range(components.max(initial=-1) + 1):
            members = np.flatnonzero(components == component)
            of_members = levels_of(first + members)
            if isinstance(of_members, str):
                faults[component] = of_members
            else:
                levels[members] = of_members
        return WindowLevels(calendar, first, levels, components, faults)

    return window_of


def extended_levels(window_of: WindowOf, calendar: Sequence[Any], extension: Extension) -> list[Change]:
    """Log level of each calendar period, 0 in the first period, or the reason why there is none.

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
        return []
    last = len(calendar) - 1
    if extension.expanding == "fbew_december":
        opening = 0
    else:
        opening = last if extension.window is None else min(extension.window - 1, last)
    first = window_of(0, opening + 1)
    published: list[Change] = [first.change(0, period) for period in range(opening + 1)]
    if extension.splice in FIXED_BASE:
        _extend_from_bases(published, window_of, calendar, extension)
    elif extension.splice != NOT_SPLICED:
        _extend_by_splice(published, first, window_of, calendar, extension)
    if extension.first_value == "window_end":
        return _rebased(published, opening, calendar)
    return published


def extended_replicates(window_of: ReplicatesOf, periods: int, extension: Extension) -> Floats:
    """Log levels of all replicates over all periods, each replicate extended by the rule of `extended_levels`.

    Gives periods x replicates on any constant per replicate; nan where a replicate has no level. `window_of`: log
    levels of the replicates in a window, periods x replicates. Raises ValueError on a splice with fixed bases, which
    lists the known ones.
    """
    refuse_unknown("splice of replicates", extension.splice, (NOT_SPLICED, *ON_PREVIOUS, *ON_PUBLISHED))
    window = periods if extension.window is None or extension.splice == NOT_SPLICED else min(extension.window, periods)
    ending = {window - 1: window_of(0, window)}
    levels = np.full((periods, ending[window - 1].shape[1]), np.nan)
    levels[:window] = ending[window - 1]
    for period in range(window, periods):
        ending[period] = window_of(period - window + 1, period + 1)
        if extension.splice in ON_PUBLISHED:
            levels[period] = _linked_to_published(levels, ending[period], (period, window), extension)
        else:
            levels[period] = _linked_to_previous(levels, ending, (period, window), extension)
        ending.pop(period - window, None)
    return levels


def _linked_to_published(levels: Floats, new: Floats, at: tuple[int, int], extension: Extension) -> Floats:
    period, window = at
    start = period - window + 1
    links = _link_periods(period, period - 1, window, extension)
    return _mean_of_links([levels[k] + new[-1] - new[k - start] for k in links], levels.shape[1])


def _linked_to_previous(
    levels: Floats, ending: Mapping[int, Floats], at: tuple[int, int], extension: Extension
) -> Floats:
    """Link a period over those that both windows share; replicates differ in their last period with a level."""
    period, window = at
    start, new = period - window + 1, ending[period]
    published = np.isfinite(levels[:period])
    anchors = np.where(published.any(axis=0), period - 1 - published[::-1].argmax(axis=0), -1)
    values = np.full(levels.shape[1], np.nan)
    for anchor in np.unique(anchors[anchors >= start]):
        chosen = anchors == anchor
        last = max(int(anchor), window - 1)
        old, first = ending[last][:, chosen], last - window + 1
        links = [
            levels[anchor, chosen] + old[k - first] - old[anchor - first] + new[-1, chosen] - new[k - start, chosen]
            for k in _link_periods(period, int(anchor), window, extension)
        ]
        values[chosen] = _mean_of_links(links, int(chosen.sum()))
    return values


def _mean_of_links(links: Sequence[Floats], replicates: int) -> Floats:
    """Mean over the links that have a value; nan where none has."""
    values = np.array(links).reshape(len(links), replicates)
    there = np.isfinite(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.divide(total, count, where=count > 0, out=np.full(replicates, np.nan))


def _extend_by_splice(
    published: list[Change], old: WindowLevels, window_of: WindowOf, calendar: Sequence[Any], extension: Extension
) -> None:
    window = extension.window or len(calendar)
    anchor = _last_with_index(published)
    for period in range(len(published), len(calendar)):
        new = window_of(period - window + 1, period + 1)
        if extension.splice in ON_PUBLISHED:
            links = _link_periods(period, period - 1, window, extension)
            values = [_sum(_published_at(published, k, calendar), new.change(k, period)) for k in links]
        elif anchor is None:
            values = ["no earlier period has an index"]
        else:
            links = _link_periods(period, anchor, window, extension)
            values = [_spliced(published, new, old, (k, anchor, period)) for k in links]
            values = values or [
                f"no link period is shared with the last window that has an index, to {calendar[anchor]}"
            ]
        published.append(_mean(values, new, period))
        if isinstance(published[-1], float):
            anchor, old = period, new


def _extend_from_bases(
    published: list[Change], window_of: WindowOf, calendar: Sequence[Any], extension: Extension
) -> None:
    bases = np.array(_bases(extension, len(calendar)), dtype=np.int64)
    for period in range(len(published), len(calendar)):
        before = bases[bases < period]
        if len(before) == 0:
            published.append(f"no base before period {calendar[period]}")
            continue
        base = int(before[-1])
        first = base if extension.splice == "fixed_base_expanding" else period - (extension.window or 1) + 1
        change = window_of(first, period + 1).change(base, period)
        published.append(_sum(change, _published_at(published, base, calendar)))


def _bases(extension: Extension, periods: int) -> Sequence[int]:
    if extension.expanding == "fbew_window":
        step = (extension.window or periods) - 1
        return range(step, periods, step)
    return sorted({0, *extension.bases}) if extension.expanding == "fbew_december" else sorted(extension.bases)


def _link_periods(period: int, anchor: int, window: int, extension: Extension) -> list[int]:
    """Link periods of a splice that both windows contain."""
    start = period - window + 1
    name = extension.splice.removesuffix("_published")
    half = (window - 1) // 2 if extension.half_position == "new_window" else (window + 1) // 2 - 2
    links = {"movement": [anchor], "window": [start], "half": [start + half], "mean": range(start, anchor + 1)}[name]
    return [k for k in links if start <= k <= anchor]


def _spliced(published: list[Change], new: WindowLevels, old: WindowLevels, at: tuple[int, int, int]) -> Change:
    link, anchor, period = at
    back = old.change(anchor, link)
    return _sum(_sum(published[anchor], back), new.change(link, period))


def _published_at(published: list[Change], period: int, calendar: Sequence[Any]) -> Change:
    value = published[period]
    return f"link period {calendar[period]} has no index: {value}" if isinstance(value, str) else value


def _sum(a: Change, b: Change) -> Change:
    """Add two log changes; a reason wins over a number."""
    if isinstance(a, str) or isinstance(b, str):
        return a if isinstance(a, str) else b
    return a + b


def _mean(values: list[Change], new: WindowLevels, period: int) -> Change:
    """Mean of the links that have a value; else the reason, that of the period before that of a link."""
    numbers = [value for value in values if isinstance(value, float)]
    if numbers:
        return float(np.mean(numbers))
    of_period = new.change(period, period)
    return of_period if isinstance(of_period, str) else values[0]


def _last_with_index(published: list[Change]) -> int | None:
    return next((period for period in reversed(range(len(published))) if isinstance(published[period], float)), None)


def _rebased(published: list[Change], base: int, calendar: Sequence[Any]) -> list[Change]:
    level = _published_at(published, base, calendar)
    if isinstance(level, str):
        return [value if isinstance(value, str) else level for value in published]
    return [value if isinstance(value, str) else value - level for value in published]
