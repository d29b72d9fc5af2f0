"""Base weeks by rhythm of collection, the connected parts of a figure's quotes, and the base of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.panels.input_checks import instance_of
from ons_bigdata.prices.methods.recipes.levels import BasePart, LevelBases
from ons_bigdata.prices.methods.recipes.panels import recipe_periods
from ons_bigdata.prices.methods.recipes.tree import listed
from ons_bigdata.prices.schemas.rhythms import DAILY, WEEKDAYS, expected_weekdays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.panels import Periods, Week
    from ons_bigdata.prices.methods.recipes.tree import TreeLevel

    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

_PERIOD_NAMES = {"daily": "day", "weekly": "week", "monthly": "month"}

Collections = tuple[str, "AbstractSet[date]"]
"""Rhythm of collection, and the days with quotes, of a retailer."""


@dataclass(frozen=True, eq=False)
class ConnectedPart:
    """Members (retailers' items) that common periods connect, directly or through others; they have one base.

    `members`: mask. `first`, `last`: rows of the first and the last calendar day with a quote. `week`: base week, None
    where there is none.
    """

    members: Booleans
    first: int
    last: int
    week: Week | None


def first_complete_week(days: pl.Series) -> Week | None:
    """First Monday to Sunday all of whose days occur in `days` (dates, any order, repeats allowed).

    None where there is no such week. Raises ValueError if `days` holds no dates or a null.
    """
    instance_of("days", days, pl.Series)
    if days.dtype != pl.Date or days.null_count() > 0:
        message = f"days: found {days.dtype} with {days.null_count()} nulls, expected Date without nulls"
        raise ValueError(message)
    present = set(days.to_list())
    complete = (week for week in _weeks(present) if len(_days_of(week, present)) == len(WEEKDAYS))
    return next(complete, None)


def base_weeks(quotes: pl.DataFrame, rhythms: Mapping[str, str] | None = None) -> dict[str, Week | None]:
    """Find the base week of each data origin, see `base_week`; None where it has no quote.

    `quotes`: columns `data_origin`, `collected_on` and, with `rhythms`, `retailer`. `rhythms`: rhythm of collection of
    retailers; those not in it are collected daily. Raises ValueError on an unknown rhythm; lists the known ones.
    """
    known = checked_rhythms(rhythms)
    quotes = eager_frame(quotes, "quotes")
    refuse_missing_columns(quotes, ("data_origin", "collected_on", *(["retailer"] if known else [])), "quotes")
    retailer = pl.col("retailer") if known else pl.lit("").alias("retailer")
    days = quotes.select("data_origin", retailer, "collected_on").unique()
    by_retailer = days.group_by("data_origin", "retailer").agg("collected_on").sort("data_origin", "retailer")
    collections: dict[str, list[Collections]] = {}
    for origin, name, collected_on in by_retailer.iter_rows():
        collections.setdefault(str(origin), []).append((known.get(name, DAILY), set(collected_on)))
    return {origin: base_week(of_origin) for origin, of_origin in collections.items()}


def base_week(collections: Sequence[Collections]) -> Week | None:
    """First Monday to Sunday with all collections that the rhythm of some retailer expects.

    Of a rhythm with weekdays (daily, Monday to Friday): quotes on each of them, of whichever retailer. Of a periodic
    one (weekly, two weeks, monthly): any quote of a retailer of that rhythm. Where no week has all, the first of those
    with the largest share of the expected days. None without any quote.
    """
    sets, all_days, periodic_days = _expected(collections)
    complete = [week for weekdays in sets for week in _weeks(all_days) if weekdays <= _days_of(week, all_days)]
    if periodic_days:
        complete.append(_week_of(min(periodic_days)))
    if complete:
        return min(complete)

    def share(week: Week) -> float:
        there = _days_of(week, all_days)
        return max(len(there & weekdays) / len(weekdays) for weekdays in sets)

    return max(_weeks(all_days), key=share, default=None)


def base_week_remark(week: Week, collections: Sequence[Collections]) -> str | None:
    """Remark on a base week without all collections that any rhythm expects; None where it has those of one."""
    sets, all_days, periodic_days = _expected(collections)
    if not sets or week in {_week_of(day) for day in periodic_days}:
        return None
    there = _days_of(week, all_days)
    expected = max(sets, key=lambda weekdays: (len(there & weekdays) / len(weekdays), len(weekdays)))
    if expected <= there:
        return None
    return f"base week with quotes on {len(there & expected)} of {len(expected)} expected days, until a week has all"


def checked_rhythms(rhythms: Mapping[str, str] | None) -> dict[str, str]:
    """Rhythms by retailer. Raises ValueError on an unknown one; lists the known ones."""
    if rhythms is not None and not isinstance(rhythms, Mapping):
        message = f"rhythms: found {type(rhythms).__name__}, expected a mapping of retailers to rhythms"
        raise ValueError(message)
    known = dict(rhythms or {})
    for rhythm in known.values():
        expected_weekdays(rhythm)
    return known


def connected_parts(
    present: Booleans,
    days: Sequence[date],
    period_of: Integers,
    week: Week | None,
    *,
    rhythms: Sequence[str],
    base_is_first_period: bool,
) -> list[ConnectedPart]:
    """Connected parts of some members, that of the base week first, the rest in the order of their base weeks.

    Two members are connected where both have quotes in one period, or in the base week. `present`: members x days, mask
    of days with quotes. `period_of`: period of each day, -1 for a day that does not count. `week`: base week of the
    data origin; members that it does not connect have a `base_week` of their own. None: all members are one part
    without a base. `rhythms`: of the members. `base_is_first_period`: the base is the first period of a part, not a
    week. Members without a quote in any period are of no part.
    """
    counted = period_of >= 0
    by_period = periods_with_quotes(present, period_of)
    left = np.any(by_period, axis=1)
    parts: list[ConnectedPart] = []
    while left.any():
        seeds = left
        if base_is_first_period:
            seeds = left & by_period[:, np.any(by_period[left], axis=0).argmax()]
        elif week is not None:
            seeds = left & np.any(present[:, _inside(week, days) & counted], axis=1)
            if not seeds.any():
                week = base_week(collections_of(present[left] & counted, days, [*compress(rhythms, left.tolist())]))
                continue
        members = _closure(seeds, by_period)
        rows = np.flatnonzero(np.any(present[members] & counted, axis=0))
        parts.append(ConnectedPart(members, int(rows[0]), int(rows[-1]), week))
        left = left & ~members
    return parts


def periods_with_quotes(present: Booleans, period_of: Integers) -> Booleans:
    """Mask of the periods with quotes, members x periods. `present`, `period_of`: see `connected_parts`."""
    by_period = np.zeros((len(present), int(period_of.max(initial=-1)) + 1), dtype=np.bool_)
    for member, row in enumerate(present):
        by_period[member, period_of[row & (period_of >= 0)]] = True
    return by_period


def collections_of(present: Booleans, days: Sequence[date], rhythms: Sequence[str]) -> list[Collections]:
    """Arrange a mask of days with quotes (members x days) and the members' rhythms for `base_week`."""
    return [(rhythm, set(compress(days, row.tolist()))) for rhythm, row in zip(rhythms, present, strict=True)]


def _closure(seeds: Booleans, by_period: Booleans) -> Booleans:
    """Members connected to the seeds by common periods."""
    members = seeds
    while True:
        wider = members | np.any(by_period[:, np.any(by_period[members], axis=0)], axis=1)
        if wider.sum() == members.sum():
            return members
        members = wider


def _expected(
    collections: Sequence[Collections],
) -> tuple[list[frozenset[int]], AbstractSet[date], AbstractSet[date]]:
    """Sets of weekdays that some rhythm expects, the days with quotes, and those of retailers of periodic rhythms."""
    weekdays = {rhythm: expected_weekdays(rhythm) for rhythm, days in collections if days}
    sets = {expected for expected in weekdays.values() if expected is not None}
    all_days = {day for _, days in collections for day in days}
    periodic_days = {day for rhythm, days in collections for day in days if weekdays[rhythm] is None}
    return sorted(sets, key=sorted), all_days, periodic_days


def _inside(week: Week, days: Sequence[date]) -> Booleans:
    return np.array([week[0] <= day <= week[1] for day in days], dtype=np.bool_)


def _weeks(days: Iterable[date]) -> list[Week]:
    """Weeks, Monday to Sunday, in which some of the days lie, in order."""
    return sorted({_week_of(day) for day in days})


def _week_of(day: date) -> Week:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def _days_of(week: Week, days: AbstractSet[date]) -> frozenset[int]:
    """Weekdays of a week that are among the days."""
    return frozenset(n for n in range(7) if week[0] + timedelta(days=n) in days)


@dataclass(frozen=True, eq=False)
class BaseSearch:
    """Quotes in which the bases of figures are found: of strata, or of the stretches of strata that links join.

    `week`: base week of the data origin. `present`: strata x days, mask of days with quotes; `strata`: their retailers
    and items, `rhythms`: those of the retailers.
    """

    days: list[date]
    periods: Periods
    week: Week | None
    present: Booleans
    strata: list[tuple[str, int]]
    rhythms: list[str]
    _remarks: dict[tuple[Week, bytes], str | None] = field(default_factory=dict, repr=False)

    def parts(self, members: Booleans) -> list[ConnectedPart]:
        """Connected parts of some strata, whose masks are of all strata; one without quotes where there is none."""
        rows = np.flatnonzero(members)
        parts = connected_parts(
            self.present[rows],
            self.days,
            self.periods.of_day,
            self.week,
            rhythms=[self.rhythms[row] for row in rows],
            base_is_first_period=self.periods.frequency == "monthly",
        )
        whole = []
        for part in parts:
            of_all = np.zeros(len(members), dtype=np.bool_)
            of_all[rows[part.members]] = True
            whole.append(replace(part, members=of_all))
        return whole

    def spans(self, parts: Sequence[ConnectedPart]) -> Booleans:
        """Mask of the periods from the first to the last of any part; all where there is only one."""
        inside = np.full(len(self.periods.starts), len(parts) <= 1)
        for part in parts:
            inside[self._span(part)] = True
        return inside

    def of_stretches(self, segments: Integers) -> tuple[BaseSearch, Booleans]:
        """Search over the stretches, and the mask of the stretches of each stratum. `segments`: strata x periods.

        A stretch of one period moves nothing and has no base, nor has one after which an earlier one resumes.
        """
        present, owners = [], []
        for stratum, numbers in enumerate(segments):
            of_day = np.where(self.periods.of_day >= 0, numbers[self.periods.of_day], ABSENT)
            first, *later = np.unique(numbers[numbers >= 0]).tolist() or [0]
            lasting = [n for n in later if (numbers == n).sum() > 1 and not _resumes(numbers, n)]
            masks = [of_day == n for n in (first, *lasting)] if later else [np.ones(len(of_day), dtype=np.bool_)]
            present += [self.present[stratum] & mask for mask in masks]
            owners += [stratum] * len(masks)
        stretches = replace(
            self,
            present=np.array(present),
            strata=[self.strata[owner] for owner in owners],
            rhythms=[self.rhythms[owner] for owner in owners],
            _remarks={},
        )
        return stretches, np.arange(len(segments))[:, None] == np.array(owners)

    def levels(self, trees: Sequence[TreeLevel], members: Booleans, whole: Booleans) -> list[LevelBases]:
        """Find the parts of the figures of all levels.

        `members`: children of the first level x strata, mask of the strata of each. `whole`: see `level`.
        """
        bases = []
        for tree in trees:
            below = tree.gather(members.T, missing=False)  # strata x parents x children
            members = np.any(below, axis=2).T
            bases.append(self.level(tree, members, np.moveaxis(below, 0, 2), whole))
        return bases

    def level(self, tree: TreeLevel, members: Booleans, children: Booleans, whole: Booleans) -> LevelBases:
        """Find the parts of a level's figures.

        `members`: parents x strata, `children`: parents x children x strata, masks of the strata below. `whole`: mask
        of the periods in which the data origin has figures.
        """
        parts = [self._of_parent(tree, n, members[n], children[n]) for n in range(len(tree.codes))]
        numbers = np.zeros((len(self.periods.starts), len(tree.codes)), dtype=np.int64)
        for parent, of_parent in enumerate(parts):
            for number, part in enumerate(of_parent):
                numbers[part.periods, parent] = number
        return LevelBases(parts, numbers, np.broadcast_to(whole[:, None], numbers.shape))

    def _of_parent(self, tree: TreeLevel, parent: int, members: Booleans, children: Booleans) -> list[BasePart]:
        connected = self.parts(members)
        periods = self._periods(connected)
        weighted_equally = tree.codes[parent] in tree.equal
        parts = []
        for part, own in zip(connected, periods, strict=True):
            others = [other for other in connected if other is not part]
            has_origins_base, base, text = self._base(part)
            notes = self._notes(part, others, has_origins_base=has_origins_base)
            # a retailer without weight of its own is averaged where it has quotes
            priced = children @ part.members
            among = priced if weighted_equally else np.ones(len(children), dtype=np.bool_)
            span = self._span(part)
            length = len(own) if has_origins_base and not others else span.stop - span.start
            parts.append(BasePart(part.members, among, priced, own, length, base, text, notes))
        if parts:
            return parts
        every = np.ones(len(self.periods.starts), dtype=np.bool_)
        children_of = np.ones(len(children), dtype=np.bool_)
        return [
            BasePart(
                members, children_of, children_of, every, len(every), self.periods.base, self.periods.base_text, ()
            )
        ]

    def _periods(self, parts: Sequence[ConnectedPart]) -> list[Booleans]:
        """Mask of the periods of each part; one without any quote is of the first part that spans it, or the first."""
        of_part = np.zeros(len(self.periods.starts), dtype=np.int64)
        for number, part in reversed([*enumerate(parts)]):
            of_part[self._span(part)] = number
        for number, part in enumerate(parts):
            of_part[self._with_quotes(part)] = number
        return [of_part == number for number in range(len(parts))]

    def _with_quotes(self, part: ConnectedPart) -> Booleans:
        return np.any(periods_with_quotes(self.present[part.members], self.periods.of_day), axis=0)

    def _span(self, part: ConnectedPart) -> slice:
        of_day = self.periods.of_day
        return slice(int(of_day[part.first]), int(of_day[part.last]) + 1)

    def _base(self, part: ConnectedPart) -> tuple[bool, Booleans, str | None]:
        """Mask and text of the base of a part, and whether it is that of the data origin."""
        with_quotes, is_monthly = self._with_quotes(part), self.periods.frequency == "monthly"
        if (with_quotes & self.periods.base).any() or (part.week is None and not is_monthly):
            return True, self.periods.base, self.periods.base_text
        if is_monthly:
            first = int(with_quotes.argmax())
            inside = [
                day
                for day, period in zip(self.days, self.periods.of_day.tolist(), strict=True)
                if period == first and self.days[part.first] <= day <= self.days[part.last]
            ]
            return False, np.arange(len(with_quotes)) == first, f"{inside[0]}..{inside[-1]}"
        own = recipe_periods(self.days, self.periods.frequency, "all", part.week)
        return False, own.base, own.base_text

    def _notes(
        self, part: ConnectedPart, others: Sequence[ConnectedPart], *, has_origins_base: bool
    ) -> tuple[str, ...]:
        notes = []
        if others:
            notes.append(self._apart(part, others))
        elif not has_origins_base and self.periods.base_text is not None:
            notes.append(f"base of its own: no quote in the base period {self.periods.base_text}")
        if self.periods.frequency != "monthly" and part.week is not None:
            chosen = np.ones(len(self.present), dtype=np.bool_) if part.week == self.week else part.members
            remark = self._remark(part.week, chosen)
            notes += [] if remark is None else [remark]
        return tuple(notes)

    def _remark(self, week: Week, chosen: Booleans) -> str | None:
        """Remark on a base week of some strata; looked for once, since most parts have the base week of all."""
        key = (week, chosen.tobytes())
        if key not in self._remarks:
            rhythms = [*compress(self.rhythms, chosen.tolist())]
            self._remarks[key] = base_week_remark(week, collections_of(self.present[chosen], self.days, rhythms))
        return self._remarks[key]

    def _apart(self, part: ConnectedPart, others: Sequence[ConnectedPart]) -> str:
        """Name the retailers of the other parts, or their items where they are of the same retailers."""
        own = {self.strata[row] for row in np.flatnonzero(part.members)}
        rest = {self.strata[row] for other in others for row in np.flatnonzero(other.members)}
        retailers = {retailer for retailer, _ in rest} - {retailer for retailer, _ in own}
        items = sorted({f"item {item}" for _, item in rest - own})
        if named := listed(sorted(retailers) or items):
            return f"base of its own: no {_PERIOD_NAMES[self.periods.frequency]} in common with {named}"
        spans = [f"{self.days[other.first]}..{self.days[other.last]}" for other in others]
        return f"base of its own: no link to the prices of {listed(spans)}"


def _resumes(numbers: Integers, stretch: int) -> bool:
    """True if an earlier stretch has periods after the first of a stretch."""
    return bool(((numbers >= 0) & (numbers < stretch))[int((numbers == stretch).argmax()) :].any())
