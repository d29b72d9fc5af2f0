"""From selected assets and a range of days to runs: one for each calendar, in dependency order.

A run of Dagster has one range of partition keys. If it is given to assets of two calendars, the keys of one are misread
by the other (a range of days would build the wrong months), so each calendar gets a run with its keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ons_bigdata.platform.dagster.partitions import calendar_of
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    import dagster as dg
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

    from ons_bigdata.platform.calendar import Calendar


@dataclass(frozen=True)
class PlannedRun:
    """Assets of one run; the range of partition keys of those that have partitions."""

    keys: list[dg.AssetKey]
    calendar: Calendar | None = None
    key_range: tuple[str, str] | None = None

    @property
    def title(self) -> str:
        """Text that states the days or the partition of the run."""
        if self.calendar is None or self.key_range is None:
            return f"{len(self.keys)} assets"
        first, last = self.key_range
        periods = first if first == last else f"{first} to {last}"
        return f"{len(self.keys)} assets by {self.calendar.cadence}, {periods}"


def plan_runs(graph: AssetGraph, keys: Collection[dg.AssetKey], days: tuple[date, date] | None) -> list[PlannedRun]:
    """Plan the runs that materialise `keys` over the days from `days[0]` to `days[1]`.

    For each calendar the range becomes its periods of which at least one day is in it. A calendar has a single run, or
    several where its assets depend on each other through those of another calendar. An asset without partitions is in
    the first run by which all its selected inputs are built. Raises InputError where an asset has partitions and no
    days are given, or a day lies outside its calendar.
    """
    calendars = {key: calendar_of(graph.get(key).partitions_def) for key in keys}
    if days is None:
        partitioned = sorted(key.to_user_string() for key, calendar in calendars.items() if calendar is not None)
        if partitioned:
            raise InputError(
                f"{_shortened(partitioned)}: partitioned by {calendars_words(calendars.values())}; "
                "say which with --from and --to"
            )
        return [PlannedRun(_sorted(keys))]
    ranges = {
        calendar: _key_range(calendar, days) for calendar in sorted({c for c in calendars.values() if c is not None})
    }
    runs: list[PlannedRun] = []
    waiting = set(keys)
    while waiting:
        ready = {calendar: _ready(graph, waiting, calendars, calendar) for calendar in (*ranges, None)}
        calendar = _next_calendar(ready, waiting, calendars)
        chosen = ready[calendar]
        if not chosen:
            raise InputError(f"assets depend on each other in a circle: {_shortened(sorted(map(str, waiting)))}")
        waiting -= chosen
        runs.append(PlannedRun(_sorted(chosen), calendar, ranges[calendar] if calendar is not None else None))
    return runs


def calendars_words(calendars: Collection[Calendar | None]) -> str:
    """Cadences of calendars in words: `day`, or `day and month`."""
    return " and ".join(str(cadence) for cadence in sorted({c.cadence for c in calendars if c is not None}))


def _key_range(calendar: Calendar, days: tuple[date, date]) -> tuple[str, str]:
    first, last = (calendar.require_day(day.isoformat(), what="day") for day in days)
    periods = calendar.keys(first, last)
    return periods[0], periods[-1]


def _ready(
    graph: AssetGraph,
    waiting: set[dg.AssetKey],
    calendars: dict[dg.AssetKey, Calendar | None],
    calendar: Calendar | None,
) -> set[dg.AssetKey]:
    """Waiting assets that a run of `calendar` can build: those of the calendar, and those without partitions."""
    ready = {key for key in waiting if calendars[key] in (calendar, None)}
    while True:
        blocked = {
            key
            for key in ready
            if any(
                parent in waiting and parent not in ready
                # the assets of one op are built together
                for member in graph.get(key).execution_set_asset_keys & waiting
                for parent in graph.get(member).parent_keys | {member}
            )
        }
        if not blocked:
            return ready
        ready -= blocked


def _next_calendar(
    ready: dict[Calendar | None, set[dg.AssetKey]],
    waiting: set[dg.AssetKey],
    calendars: dict[dg.AssetKey, Calendar | None],
) -> Calendar | None:
    """Calendar of the next run: if possible one that this run completes, else that of the most ready assets."""

    def rank(calendar: Calendar | None) -> tuple[bool, bool, int]:
        own = {key for key in waiting if calendars[key] == calendar}
        in_run = {key for key in ready[calendar] if calendars[key] == calendar}
        return calendar is not None and bool(in_run), own == in_run, len(in_run)

    return max(ready, key=rank)


def _sorted(keys: Collection[dg.AssetKey]) -> list[dg.AssetKey]:
    return sorted(keys, key=lambda key: key.to_user_string())


def _shortened(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
