"""Figures of the daily report: divisions and the items that moved most, against yesterday and the week before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOVERS = 4
"""Items listed of each comparison: those that moved most since yesterday and since the week before."""
SHOWN_DAYS = 28
"""Days of the divisions' course that are drawn."""
_Z_95 = 1.959964
"""Quantile of the normal distribution for an interval of 95 %."""


@dataclass(frozen=True)
class Change:
    """Change of an index since an earlier day, in per cent."""

    percent: float | None
    """None without either figure, or where their base periods differ."""
    low: float | None
    """Lower bound of the interval of 95 % of the change; None with the interval's reason, or without a change."""
    high: float | None
    interval_reason: str | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Bounds of the interval; None without one."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Figure:
    """The index of a division or item on a day, with the figures that it is compared with."""

    level: str
    code: str
    name: str
    index: float | None
    """Index, 100 = base period; None with a reason."""
    reason: str | None
    low: float | None
    """Lower bound of the interval of 95 % of the index; None with an interval's reason."""
    high: float | None
    interval_reason: str | None
    yesterday: float | None
    """Index of yesterday; None where there is none of the same base period."""
    week_before: float | None
    """Index of the same weekday of the week before; None where there is none of the same base period."""
    change_yesterday: Change
    change_week: Change


@dataclass(frozen=True)
class DayFigures:
    """Figures of one origin and day."""

    divisions: Sequence[Figure]
    movers: Sequence[Figure]
    """Items that moved most, largest change first; each once."""
    course: pl.DataFrame
    """Divisions of the last `SHOWN_DAYS` days: code, name, period, index, low, high."""


class Figures:
    """Daily figures of all origins, by day.

    `frame`: data_origin, level (item or division), code, name, period, index, reason, standard_error,
    standard_error_reason, change_error_percent, change_error_reason, week_change_error_percent,
    week_change_error_reason, base_period; one row per origin, level, code and period.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        half_width = _Z_95 * pl.col("standard_error")
        self._frame = frame.with_columns(low=pl.col("index") - half_width, high=pl.col("index") + half_width).sort(
            "data_origin", "level", "code", "period"
        )
        self._by_day: dict[tuple[str, date], dict[tuple[str, str], dict[str, Any]]] = {}
        for row in self._frame.iter_rows(named=True):
            day = self._by_day.setdefault((row["data_origin"], row["period"]), {})
            day[row["level"], row["code"]] = row

    def of(self, origin: str, day: date) -> DayFigures:
        """Figures of a day; empty where there are none."""
        yesterday = self._by_day.get((origin, day - timedelta(days=1)), {})
        week_before = self._by_day.get((origin, day - timedelta(days=7)), {})
        figures = [
            _figure(row, yesterday, week_before) for _, row in sorted(self._by_day.get((origin, day), {}).items())
        ]
        return DayFigures(
            divisions=[figure for figure in figures if figure.level == "division"],
            movers=list(_movers([figure for figure in figures if figure.level == "item"])),
            course=self._course(origin, day),
        )

    def _course(self, origin: str, day: date) -> pl.DataFrame:
        first_day = day - timedelta(days=SHOWN_DAYS - 1)
        return self._frame.filter(
            pl.col("level") == "division", pl.col("data_origin") == origin, pl.col("period").is_between(first_day, day)
        ).select("code", "name", "period", "index", "low", "high")


def _figure(row: Mapping[str, Any], yesterday: Mapping[Any, Any], week_before: Mapping[Any, Any]) -> Figure:
    earlier, before = (_index_of_same_base(row, day) for day in (yesterday, week_before))
    return Figure(
        level=row["level"],
        code=row["code"],
        name=row["name"] if row["name"] is not None else row["code"],
        index=row["index"],
        reason=row["reason"],
        low=row["low"],
        high=row["high"],
        interval_reason=row["standard_error_reason"],
        yesterday=earlier,
        week_before=before,
        change_yesterday=_change(row, earlier, "change"),
        change_week=_change(row, before, "week_change"),
    )


def _index_of_same_base(row: Mapping[str, Any], day: Mapping[Any, Mapping[str, Any]]) -> float | None:
    """Index of a row's item or division on another day; None where there is none or its base period is another."""
    other = day.get((row["level"], row["code"]))
    return None if other is None or other["base_period"] != row["base_period"] else other["index"]


def _change(row: Mapping[str, Any], earlier: float | None, name: str) -> Change:
    """Change of a row's index since an earlier one, with its standard error from the columns `<name>_error_…`."""
    index, error = row["index"], row[f"{name}_error_percent"]
    if index is None or earlier is None:
        return Change(None, None, None, None)
    percent = 100 * (index / earlier - 1)
    if error is None:
        return Change(percent, None, None, row[f"{name}_error_reason"])
    return Change(percent, percent - _Z_95 * error, percent + _Z_95 * error, None)


def _movers(items: Sequence[Figure]) -> Iterator[Figure]:
    """Items that moved most since yesterday or the week before; of equal ones, the lower code first."""
    chosen: dict[str, tuple[float, Figure]] = {}
    for change in ("change_yesterday", "change_week"):
        moved = [(_size(getattr(figure, change).percent), figure) for figure in items]
        largest = sorted(moved, key=lambda pair: (-pair[0], pair[1].code))[:MOVERS]
        for size, figure in largest:
            if size > 0 and size > chosen.get(figure.code, (0.0, figure))[0]:
                chosen[figure.code] = (size, figure)
    for _, figure in sorted(chosen.values(), key=lambda pair: (-pair[0], pair[1].code)):
        yield figure


def _size(change: float | None) -> float:
    """Size of a change in per cent such that a fall and the rise that undoes it are equal."""
    return 0.0 if change is None else abs(log(1 + change / 100))
