"""Grid of half hours in UTC, meter by meter: the cell of each reading, and runs of cells.

All methods on half hours lay a whole bucket of meters out at once; a meter's cells depend on its rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

HALF_HOUR_US = 1_800_000_000
"""Microseconds of a half hour."""

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class HalfHourGrid:
    """Cells of the meters, one after another: the half hours of each from its first to its last one."""

    meters: pl.Series
    """Distinct meters, sorted."""
    first: Ints
    """First half hour of each meter, counted from 1970 in UTC."""
    starts: Ints
    """First cell of each meter, and the number of all cells at the end."""
    row_meters: Ints
    """Meter of each row: its place in `meters`."""
    row_cells: Ints
    """Cell of each row; -1 where it starts at no full half hour."""
    row_times: Ints
    """Start of each row in microseconds from 1970 in UTC."""

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.starts[-1])

    def cell_meters(self) -> Ints:
        """Meter of each cell: its place in `meters`."""
        return np.repeat(np.arange(len(self.meters)), np.diff(self.starts))

    def cell_half_hours(self) -> Ints:
        """Half hour of each cell, counted from 1970 in UTC."""
        return np.arange(self.cells) + np.repeat(self.first - self.starts[:-1], np.diff(self.starts))


def lay_out(
    readings: pl.DataFrame, *, first_at: datetime | None = None, last_at: datetime | None = None
) -> HalfHourGrid:
    """Lay out readings (columns meter, started_at) on the grid of half hours.

    A meter's grid goes from its first reading at a full half hour to its last one, and at least from `first_at` to
    `last_at` (starts of half hours, UTC), where they are given. Rows may have any order.

    Raises ValueError for a missing column, a null in one, and a bound that is no start of a half hour.
    """
    _require_columns(readings, ("meter", "started_at"))
    meters, row_meters = number_meters(readings["meter"])
    times = readings["started_at"].cast(pl.Datetime("us", "UTC")).to_physical().to_numpy()
    half_hours = times // HALF_HOUR_US
    is_on = times == half_hours * HALF_HOUR_US
    on = slice(None) if is_on.all() else is_on
    first, after = _ranges(row_meters[on], half_hours[on], len(meters))
    for bound, name in ((first_at, "first_at"), (last_at, "last_at")):
        if bound is not None:
            at = _half_hour(bound, name)
            first = np.minimum(first, at)
            after = np.maximum(after, at + 1)
    after = np.maximum(after, first)
    starts = np.concatenate([[0], np.cumsum(after - first)])
    row_cells = half_hours + (starts[:-1] - first)[row_meters]
    if on is is_on:
        row_cells[~is_on] = -1
    return HalfHourGrid(meters, first, starts, row_meters, row_cells, times)


def runs(values: Floats, starts: Ints) -> tuple[Ints, Ints]:
    """First cells and lengths of the runs of equal values; NaN is equal to nothing, and a run ends with its meter."""
    if not len(values):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begins = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    begins[starts[:-1][starts[:-1] < len(values)]] = True
    return lengths_of(begins)


def lengths_of(begins: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """First cells and lengths of the runs that begin where `begins` is true; the first cell begins a run."""
    at = np.flatnonzero(begins)
    return at, np.diff(at, append=len(begins))


def cells_of(first: Ints, lengths: Ints) -> Ints:
    """Cells of runs, one run after another."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(first - (ends - lengths), lengths)


def number_meters(meters: pl.Series) -> tuple[pl.Series, Ints]:
    """Distinct meters, sorted, and the place of each row's meter among them; fast where rows of a meter adjoin."""
    if not len(meters):
        return meters.clear(), np.zeros(0, np.int64)
    begins = meters.ne_missing(meters.shift(1)).to_numpy().copy()
    begins[0] = True
    at, lengths = lengths_of(begins)
    heads = meters.gather(at)
    distinct = heads.unique().sort()
    places = pl.DataFrame({"meter": heads}).join(
        pl.DataFrame({"meter": distinct, "place": np.arange(len(distinct))}),
        on="meter",
        how="left",
        maintain_order="left",
    )
    return distinct, np.repeat(places["place"].to_numpy(), lengths)


def _ranges(row_meters: Ints, half_hours: Ints, meters: int) -> tuple[Ints, Ints]:
    """First half hour of each meter and the one after its last; an empty range at the largest number without any."""
    first = np.full(meters, np.iinfo(np.int64).max)
    after = np.full(meters, np.iinfo(np.int64).min)
    if len(row_meters):
        begins = np.ones(len(row_meters), dtype=bool)
        np.not_equal(row_meters[1:], row_meters[:-1], out=begins[1:])
        at = np.flatnonzero(begins)
        np.minimum.at(first, row_meters[at], np.minimum.reduceat(half_hours, at))
        np.maximum.at(after, row_meters[at], np.maximum.reduceat(half_hours, at) + 1)
    return first, after


def _half_hour(at: datetime, name: str) -> int:
    if at.tzinfo is None:
        raise ValueError(f"{name} is {at} without a zone; expected a start of a half hour in UTC")
    seconds = at.timestamp()
    if seconds % 1800:
        raise ValueError(f"{name} is {at}; expected a start of a half hour")
    return int(seconds // 1800)


def _require_columns(readings: pl.DataFrame, columns: tuple[str, ...]) -> None:
    for column in columns:
        if column not in readings.columns:
            raise ValueError(f"readings have no column {column}; their columns: {', '.join(readings.columns)}")
        nulls = readings[column].null_count()
        if nulls:
            row = int(readings[column].is_null().to_numpy().argmax())
            raise ValueError(f"column {column}, row {row}: null; expected a value in every row")
