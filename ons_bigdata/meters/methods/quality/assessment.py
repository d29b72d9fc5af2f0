"""State of each expected half hour of a meter, and of each row beyond them.

Of the states that fit a half hour, the first of this list is its state: no row (`missing_row`); a row without reading
(`null_token`, `error_code`); rows with several readings (`duplicate_conflict`); `negative`; `post_gap_accumulation`;
`outlier`; a flag of the file (`estimated`); `estimated_flat`; `zero_run`; `stuck`; `ok`. Rows beyond: `off_grid`, and
the second, third, … row of a half hour: `duplicate_conflict`, `duplicate_identical`, or why it has no reading.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.grid import HALF_HOUR_US, HalfHourGrid, cells_of, lay_out, runs
from ons_bigdata.meters.methods.quality.accumulation import accumulated_cells
from ons_bigdata.meters.schemas.vocabulary import STATES

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from ons_bigdata.meters.methods.grid import Floats, Ints

_CODE = {state: np.uint8(place) for place, state in enumerate(STATES)}
STATE = pl.Enum(STATES)
"""Type of the column `state`."""

_STATES = pl.Series("state", STATES, dtype=STATE)

ESTIMATED_FLAGS = ("E", "F", "S")
"""Flags of estimated and substituted readings."""


@dataclass(frozen=True)
class QualityRules:
    """Bounds of the states."""

    max_kwh: float = 15.0
    """A half hour above it is an outlier."""
    zero_run: int = 48
    """Least number of zeros one after another of a zero run."""
    stuck_run: int = 8
    """Least number of equal readings above zero of a stuck meter."""
    flat_run: int = 48
    """Least number of equal readings of an estimated flat block."""
    flat_level: tuple[float, float] = (0.5, 2.0)
    """Level of an estimated flat block, as a share of the meter's mean reading: lowest and highest."""
    accumulation_gap: int = 4
    """Least number of half hours without reading before an accumulation."""
    accumulation_ratio: float = 1.6
    """Largest ratio, either way, of an accumulation to what was expected over the gap."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if min(value if isinstance(value, tuple) else (value,)) <= 0:
                raise ValueError(f"{field.name} is {value}; expected a number above zero")


def assess(
    readings: pl.DataFrame,
    rules: QualityRules | None = None,
    *,
    first_at: datetime | None = None,
    last_at: datetime | None = None,
) -> pl.DataFrame:
    """Judge each expected half hour of each meter by a state (frame AssessedReading).

    `readings` has the columns of MeterReading in any order of rows: meter, started_at, kwh, and code and flag where
    there are any. The result has all rows, unchanged, and a row for each half hour between a meter's first and last
    reading that has none (and from `first_at` to `last_at`, where given), sorted by meter and started_at, with the
    column `state` more. The result of a meter depends on its rows alone, and not on their order.

    A code that is a number is an error code, any other text or an empty reading a null token. Rows of a half hour with
    equal readings are identical duplicates; with other readings all of them are in conflict, since nothing tells
    which is right.

    Raises ValueError for missing columns, nulls in meter or started_at, readings that are infinite or not a number.
    """
    rules = rules or QualityRules()
    grid = lay_out(readings, first_at=first_at, last_at=last_at)
    kwh = _readings_of(readings)
    tokens = _token_states(readings)
    row_of_cell, extra_rows, extra_states, conflicts = _rows_of_cells(readings, grid, kwh, tokens)
    is_missing = row_of_cell < 0
    values = kwh[row_of_cell]
    values[is_missing] = np.nan
    states = _judge_values(readings, grid, values, conflicts, row_of_cell, rules)
    is_empty = np.isnan(values) & ~is_missing
    states[is_empty] = tokens[row_of_cell[is_empty]]
    states[conflicts] = _CODE["duplicate_conflict"]
    states[is_missing] = _CODE["missing_row"]
    return _assemble(readings, grid, row_of_cell, states, extra_rows, extra_states)


def _readings_of(readings: pl.DataFrame) -> Floats:
    if "kwh" not in readings.columns:
        raise ValueError(f"readings have no column kwh; their columns: {', '.join(readings.columns)}")
    kwh = readings["kwh"].cast(pl.Float64)
    values = kwh.to_numpy()
    if not kwh.null_count() and np.isfinite(values).all():
        return values
    bad = ~kwh.is_finite().fill_null(value=True)
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise ValueError(f"column kwh, row {row}: {kwh[row]}; expected a number or null")
    return values


def _token_states(readings: pl.DataFrame) -> NDArray[np.uint8]:
    """State of each row if it has no reading."""
    states = np.full(readings.height, _CODE["null_token"])
    if "code" in readings.columns and readings["code"].null_count() < readings.height:
        is_number = readings["code"].cast(pl.String).str.contains(r"^[+-]?[0-9.]").fill_null(value=False)
        states[is_number.to_numpy()] = _CODE["error_code"]
    return states


def _rows_of_cells(
    readings: pl.DataFrame, grid: HalfHourGrid, kwh: Floats, tokens: NDArray[np.uint8]
) -> tuple[Ints, Ints, NDArray[np.uint8], Ints]:
    """Row of each cell (-1: none), the rows beyond with their states, and the cells with readings in conflict."""
    row_of_cell = np.full(grid.cells, -1, dtype=np.int64)
    on = np.flatnonzero(grid.row_cells >= 0)
    off = np.flatnonzero(grid.row_cells < 0)
    row_of_cell[grid.row_cells[on]] = on
    is_shadowed = row_of_cell[grid.row_cells[on]] != on
    off_states = np.full(len(off), _CODE["off_grid"])
    if not is_shadowed.any():
        return row_of_cell, off, off_states, np.zeros(0, np.int64)
    shared = np.zeros(grid.cells, dtype=bool)
    shared[grid.row_cells[on[is_shadowed]]] = True
    rows = on[shared[grid.row_cells[on]]]
    several = pl.DataFrame({"cell": grid.row_cells[rows], "row": rows, "kwh": kwh[rows], "token": tokens[rows]})
    several = several.with_columns(
        pl.col("kwh").fill_nan(None),
        *(readings[name].gather(rows).cast(pl.String).alias(name) for name in ("flag", "code") if name in readings),
    )
    # readings before rows without any, actual ("A") before estimated ones; the same whatever the order of the rows
    several = several.sort([column for column in ("cell", "kwh", "flag", "code") if column in several], nulls_last=True)
    several = several.with_columns(
        (pl.col("kwh").n_unique().over("cell") - pl.col("kwh").is_null().any().over("cell") > 1).alias("conflict"),
        pl.col("cell").is_first_distinct().alias("first"),
        *(
            (pl.col(name).eq_missing(pl.col(name).first().over("cell"))).alias(f"same_{name}")
            for name in ("kwh", "code")
            if name in several
        ),
    )
    is_same = pl.all_horizontal("same_kwh", *(["same_code"] if "same_code" in several.columns else []))
    state = (
        pl.when(pl.col("kwh").is_not_null() & pl.col("conflict"))
        .then(pl.lit(_CODE["duplicate_conflict"]))
        .when(pl.col("kwh").is_not_null() | is_same)
        .then(pl.lit(_CODE["duplicate_identical"]))
        .otherwise(pl.col("token"))
    )
    firsts, others = several.filter("first"), several.filter(~pl.col("first")).with_columns(state.alias("state"))
    row_of_cell[firsts["cell"].to_numpy()] = firsts["row"].to_numpy()
    extra = np.concatenate([off, others["row"].to_numpy()])
    conflicts = firsts.filter("conflict")["cell"].to_numpy()
    return row_of_cell, extra, np.concatenate([off_states, others["state"].to_numpy()]), conflicts


def _judge_values(
    readings: pl.DataFrame, grid: HalfHourGrid, kwh: Floats, conflicts: Ints, row_of_cell: Ints, rules: QualityRules
) -> NDArray[np.uint8]:
    """State of each cell by its reading and those about it; later assignments have precedence."""
    values = kwh
    if len(conflicts):
        values = kwh.copy()
        values[conflicts] = np.nan
    states = np.full(grid.cells, _CODE["ok"])
    means = mean_readings(values, grid.starts, rules.max_kwh)
    first, lengths = runs(values, grid.starts)
    long = lengths >= min(rules.stuck_run, rules.zero_run, rules.flat_run)
    first, lengths = first[long], lengths[long]
    level = values[first]
    with np.errstate(divide="ignore", invalid="ignore"):  # of a meter that reads zero throughout, no level is flat
        share = level / means[np.searchsorted(grid.starts, first, side="right") - 1]
    is_zero = level == 0
    is_flat = (lengths >= rules.flat_run) & (share >= rules.flat_level[0]) & (share <= rules.flat_level[1])
    for state, chosen in (
        ("stuck", ~is_zero & (lengths >= rules.stuck_run)),
        ("zero_run", is_zero & (lengths >= rules.zero_run)),
        ("estimated_flat", is_flat),
    ):
        states[cells_of(first[chosen], lengths[chosen])] = _CODE[state]
    if "flag" in readings.columns and readings["flag"].null_count() < readings.height:
        is_estimated = readings["flag"].cast(pl.String).is_in(ESTIMATED_FLAGS).fill_null(value=False).to_numpy()
        states[is_estimated[row_of_cell] & (row_of_cell >= 0)] = _CODE["estimated"]
    states[values > rules.max_kwh] = _CODE["outlier"]
    accumulated = accumulated_cells(
        values, grid, means, least_gap=rules.accumulation_gap, ratio=rules.accumulation_ratio, max_kwh=rules.max_kwh
    )
    states[accumulated] = _CODE["post_gap_accumulation"]
    states[values < 0] = _CODE["negative"]
    return states


def mean_readings(values: Floats, starts: Ints, max_kwh: float) -> Floats:
    """Mean of the readings of each meter that are between 0 and `max_kwh`; NaN where there is none."""
    is_possible = (values >= 0) & (values <= max_kwh)
    filled = np.where(is_possible, values, 0.0)
    totals = np.zeros(len(starts) - 1)
    counts = np.zeros(len(starts) - 1)
    has_cells = np.diff(starts) > 0
    if has_cells.any():
        at = starts[:-1][has_cells]
        totals[has_cells] = np.add.reduceat(filled, at)
        counts[has_cells] = np.add.reduceat(is_possible, at, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(totals / counts)


def _assemble(
    readings: pl.DataFrame,
    grid: HalfHourGrid,
    row_of_cell: Ints,
    states: NDArray[np.uint8],
    extra_rows: Ints,
    extra_states: NDArray[np.uint8],
) -> pl.DataFrame:
    """Rows of the cells and the rows beyond them, in order of meter and time."""
    rows, meters, times = row_of_cell, grid.cell_meters(), grid.cell_half_hours() * HALF_HOUR_US
    if len(extra_rows):
        extra = pl.DataFrame({"row": extra_rows, "state": extra_states, "time": grid.row_times[extra_rows]})
        columns = [name for name in ("kwh", "flag", "code") if name in readings.columns]
        extra = extra.with_columns(readings[name].gather(extra_rows).alias(name) for name in columns)
        after = _cells_before(grid, extra_rows)
        extra = extra.with_columns(after=after, meter=grid.row_meters[extra_rows])
        extra = extra.sort(["meter", "after", "time", *columns, "state"], nulls_last=True)
        after, extra_rows = extra["after"].to_numpy(), extra["row"].to_numpy()
        rows, states = np.insert(rows, after, extra_rows), np.insert(states, after, extra["state"].to_numpy())
        meters = np.insert(meters, after, grid.row_meters[extra_rows])
        times = np.insert(times, after, extra["time"].to_numpy())
    picked = pl.Series(rows, dtype=pl.Int64)
    if (rows < 0).any():
        picked = picked.set(picked < 0, None)
    carried = [name for name in ("kwh", "code", "flag") if name in readings.columns]
    return pl.DataFrame(
        {
            "meter": grid.meters.gather(meters),
            "started_at": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            **{name: _picked(readings[name], picked) for name in carried},
            "state": _STATES.gather(states),
        }
    )


def _cells_before(grid: HalfHourGrid, rows: Ints) -> Ints:
    """Number of cells before each row: those of the meters before its own, and of its meter up to its half hour."""
    meters = grid.row_meters[rows]
    widths = np.diff(grid.starts)[meters]
    places = grid.row_times[rows] // HALF_HOUR_US - np.where(widths > 0, grid.first[meters], 0) + 1
    return np.asarray(grid.starts[meters] + np.clip(places, 0, widths))


def _picked(column: pl.Series, rows: pl.Series) -> pl.Series:
    if column.null_count() == len(column):
        return pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, len(rows))
    return column.gather(rows)
