"""Base weeks by rhythm of collection, and the connected parts of a figure's quotes, each with a base of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    eager_frame,
    instance_of,
    refuse_missing_columns,
)
from ons_bigdata.prices.schemas.rhythms import DAILY, WEEKDAYS, expected_weekdays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.panels import Week

    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

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
    quotes = eager_frame(quotes)
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
