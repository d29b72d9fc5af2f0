"""Meter-days: one row per meter and local day with its half hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.grid import HalfHourGrid, cells_of, lay_out
from ons_bigdata.meters.methods.local_time import local_half_hours

if TYPE_CHECKING:
    from collections.abc import Collection

    from ons_bigdata.meters.methods.grid import Floats, Ints

COUNTED_STATES = ("ok", "zero_run", "stuck")
"""States of half hours of which the reading counts.

A stuck meter looks like a constant load of a home at a coarse resolution, so that its readings count; estimated ones
say nothing of who was at home, and do not.
"""

_USUAL_DAY = 48


def meter_days(readings: pl.DataFrame, timezone: str, *, counted: Collection[str] = COUNTED_STATES) -> pl.DataFrame:
    """Gather the half hours of each meter and local day (frame MeterDay), sorted by meter and day.

    `readings` has the columns meter (text or whole numbers, kept), started_at (start of the half hour, UTC) and kwh.
    With a column `state` (of `quality.assess`), the readings in the states `counted` count. Without, every reading
    counts that starts at a full half hour; of a half hour with equal readings one counts, with other ones none, so
    that it is missing.

    Every local day from a meter's first row to its last one is a row: `kwh_halfhours` has its half hours from local
    midnight (Float32, 46, 48 or 50; null = missing), `kwh` the sum of the readings (null without any) and `readings`
    their number.

    Raises ValueError for missing columns, nulls in meter or started_at, and a zone that is unknown or no multiple of
    half an hour from UTC.
    """
    grid = lay_out(readings)
    return days_of_cells(readings, grid, cell_readings(readings, grid, counted), timezone)


def days_of_cells(readings: pl.DataFrame, grid: HalfHourGrid, cells: Floats, timezone: str) -> pl.DataFrame:
    """Meter-days of readings that are laid out already; see `meter_days`. `cells`: as `cell_readings` returns them."""
    has_cells = np.diff(grid.starts) > 0
    if not has_cells.any():
        return _no_days(readings)
    first, widths = grid.first[has_cells], np.diff(grid.starts)[has_cells]
    local = local_half_hours(int(first.min()), int((first + widths).max()), timezone)
    first_days = local.day_numbers[first - local.first]
    day_counts = local.day_numbers[first + widths - 1 - local.first] - first_days + 1
    days = cells_of(first_days, day_counts)
    lengths = np.diff(local.day_starts)[days]
    ends = np.cumsum(lengths)
    values = np.full(int(ends[-1]), np.nan)
    meter_starts = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(day_counts)])[:-1]]
    into = meter_starts + first - local.first - local.day_starts[first_days]
    values[cells_of(into, widths)] = cells
    is_present = ~np.isnan(values)
    starts = ends - lengths
    present = np.add.reduceat(is_present, starts, dtype=np.int64)
    totals = pl.Series(np.add.reduceat(np.where(is_present, values, 0.0), starts))
    return pl.DataFrame(
        {
            "meter": grid.meters.filter(pl.Series(has_cells)).gather(np.repeat(np.arange(len(first)), day_counts)),
            "day": local.days.gather(days),
            "kwh_halfhours": _lists(values, starts, lengths),
            "kwh": totals.set(pl.Series(present == 0), None),
            "readings": pl.Series(present, dtype=pl.Int16),
        }
    )


def cell_readings(readings: pl.DataFrame, grid: HalfHourGrid, counted: Collection[str] = COUNTED_STATES) -> Floats:
    """Reading of each cell that counts, by the rules of `meter_days`; NaN without any."""
    if "kwh" not in readings.columns:
        raise ValueError(f"readings have no column kwh; their columns: {', '.join(readings.columns)}")
    kwh = readings["kwh"].cast(pl.Float64).to_numpy()
    values = np.full(grid.cells, np.nan)
    if "state" in readings.columns:
        counts = readings["state"].is_in(list(counted)).to_numpy() & (grid.row_cells >= 0)
        values[grid.row_cells[counts]] = kwh[counts]
        return values
    counts = ~np.isnan(kwh) & (grid.row_cells >= 0)
    cells, present = grid.row_cells[counts], kwh[counts]
    values[cells] = present
    values[cells[values[cells] != present]] = np.nan
    return values


def _lists(values: Floats, starts: Ints, lengths: Ints) -> pl.Series:
    """Series of lists of Float32: of the values from each start on; NaN is null."""
    flat = pl.Series(values.astype(np.float32), nan_to_null=True)
    parts, places = [], []
    for length in np.unique(lengths):
        chosen = np.flatnonzero(lengths == length)
        cells = flat if len(chosen) == len(lengths) else flat.gather(cells_of(starts[chosen], lengths[chosen]))
        parts.append(cells.reshape((len(chosen), int(length))).arr.to_list())
        places.append(chosen)
    order = np.argsort(np.concatenate(places), kind="stable")
    return pl.concat(parts).gather(order) if len(parts) > 1 else parts[0]


def _no_days(readings: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "meter": readings.schema["meter"],
            "day": pl.Date,
            "kwh_halfhours": pl.List(pl.Float32),
            "kwh": pl.Float64,
            "readings": pl.Int16,
        }
    )
