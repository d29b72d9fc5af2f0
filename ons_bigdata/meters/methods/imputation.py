"""Imputed half hours for published aggregates, apart from the readings, and their judgement by hidden readings.

Detectors of absence take missing half hours as they are; only sums for areas use these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.days import cell_readings
from ons_bigdata.meters.methods.grid import HALF_HOUR_US, HalfHourGrid, cells_of, lay_out, lengths_of
from ons_bigdata.meters.methods.local_time import local_half_hours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ons_bigdata.meters.methods.grid import Floats, Ints

IMPUTATIONS = ("linear", "weekday_median", "left_missing")
"""How a half hour without reading was treated."""

LINEAR_GAP = 4
"""Longest gap in half hours that is bridged by a line: two hours."""
WEEKDAY_GAP = 48
"""Longest gap in half hours that is filled from the same weekday: a day."""

_WEEK = 336
_WEEKS = (-4, -3, -2, -1, 1, 2, 3, 4)
_NEIGHBOURS = 48
_RATIO_BOUNDS = (0.25, 4.0)
_QUARTER_HALF_HOURS = 90 * 48
_LENGTHS = {
    "to_2_hours": (1, LINEAR_GAP),
    "to_1_day": (LINEAR_GAP + 1, WEEKDAY_GAP),
    "longer": (WEEKDAY_GAP + 1, _WEEK),
}


class NoGapError(ValueError):
    """Readings have no gap whose length could be taken."""


@dataclass(frozen=True)
class _Gaps:
    """Runs of cells without reading of the meters."""

    first: Ints
    lengths: Ints
    meters: Ints


def impute(readings: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Impute short gaps of readings (frame ImputedReading); no reading is changed.

    `readings` as for `days.meter_days`: with states or without. The result has one row per half hour of each meter's
    grid: meter, started_at, kwh (the reading that counts, else null), kwh_imputed (null where a reading counts and
    where the gap is too long or has nothing to be filled from) and imputation (null where a reading counts):

    * a gap of up to two hours within a meter's readings: the line between its neighbours (`linear`);
    * up to a day: the median of the same half hour of the same weekday, local time, of the four weeks before and after,
      times the ratio of the readings of the day before and after the gap to these medians there, between 0.25 and 4
      (`weekday_median`);
    * longer, or without neighbours: `left_missing`; aggregates leave the half hour out and weight the others up.

    Raises ValueError as `days.meter_days` does.
    """
    grid = lay_out(readings)
    values = cell_readings(readings, grid)
    filled, codes = impute_by_rules(values, grid, timezone)
    is_missing = np.isnan(values)
    labels = pl.Series(IMPUTATIONS).gather(np.maximum(codes, 0)).set(pl.Series(codes < 0), None)
    return pl.DataFrame(
        {
            "meter": grid.meters.gather(grid.cell_meters()),
            "started_at": pl.Series(grid.cell_half_hours() * HALF_HOUR_US).cast(pl.Datetime("us", "UTC")),
            "kwh": pl.Series(values, nan_to_null=True),
            "kwh_imputed": pl.Series(np.where(is_missing, filled, np.nan), nan_to_null=True),
            "imputation": labels,
        }
    )


def imputed_half_hours(grid: HalfHourGrid, values: Floats, timezone: str) -> pl.DataFrame:
    """Imputed half hours of readings that are laid out already, by the rules of `impute`.

    `values`: as `days.cell_readings` returns them. Returns one row per half hour that is imputed: meter, started_at,
    day (local), kwh_imputed, imputation (`linear` or `weekday_median`), sorted by meter and started_at.
    """
    filled, codes = impute_by_rules(values, grid, timezone)
    cells = np.flatnonzero((codes >= 0) & (codes != IMPUTATIONS.index("left_missing")))
    meters = np.searchsorted(grid.starts, cells, side="right") - 1
    half_hours = cells - grid.starts[meters] + grid.first[meters]
    started_at = pl.Series(half_hours * HALF_HOUR_US, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {
            "meter": grid.meters.gather(meters),
            "started_at": started_at,
            "day": started_at.dt.convert_time_zone(timezone).dt.date(),
            "kwh_imputed": filled[cells],
            "imputation": pl.Series(IMPUTATIONS, dtype=pl.String).gather(codes[cells]),
        }
    )


def impute_by_rules(values: Floats, grid: HalfHourGrid, timezone: str) -> tuple[Floats, NDArray[np.int8]]:
    """Values with short gaps filled, and the place of each cell's treatment in IMPUTATIONS (-1: a reading)."""
    filled = values.copy()
    codes = np.where(np.isnan(values), np.int8(IMPUTATIONS.index("left_missing")), np.int8(-1))
    if not (codes >= 0).any():
        return filled, codes
    gaps = _gaps(values, grid)
    ends = gaps.first + gaps.lengths
    is_inner = (gaps.first > grid.starts[gaps.meters]) & (ends < grid.starts[gaps.meters + 1])
    is_short = is_inner & (gaps.lengths <= LINEAR_GAP)
    cells = cells_of(gaps.first[is_short], gaps.lengths[is_short])
    filled[cells] = _on_lines(values, gaps, is_short)
    codes[cells] = IMPUTATIONS.index("linear")
    offsets = _offsets(grid, timezone)
    for gap in np.flatnonzero(~is_short & (gaps.lengths <= WEEKDAY_GAP)):
        cells = np.arange(gaps.first[gap], ends[gap])
        imputed = _from_weekdays(values, grid, int(gaps.meters[gap]), cells, offsets)
        filled[cells] = imputed
        codes[cells[~np.isnan(imputed)]] = IMPUTATIONS.index("weekday_median")
    return filled, codes


def impute_linear(values: Floats, grid: HalfHourGrid) -> Floats:
    """Values with each inner gap bridged by a line, whatever its length: a peer of the rules."""
    filled = values.copy()
    gaps = _gaps(values, grid)
    ends = gaps.first + gaps.lengths
    is_inner = (gaps.first > grid.starts[gaps.meters]) & (ends < grid.starts[gaps.meters + 1])
    filled[cells_of(gaps.first[is_inner], gaps.lengths[is_inner])] = _on_lines(values, gaps, is_inner)
    return filled


def impute_last_week(values: Floats, grid: HalfHourGrid) -> Floats:
    """Values with each gap filled by the half hour a week before, where there is a reading: a peer of the rules."""
    filled = values.copy()
    cells = np.flatnonzero(np.isnan(values))
    meters = np.searchsorted(grid.starts, cells, side="right") - 1
    earlier = cells - _WEEK
    has_earlier = earlier >= grid.starts[meters]
    filled[cells[has_earlier]] = values[earlier[has_earlier]]
    return filled


def judge_imputation(
    readings: pl.DataFrame,
    timezone: str,
    rng: np.random.Generator,
    *,
    share: float = 0.03,
    gap_lengths: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Hide runs of readings, impute them, and compare: the rules next to a line and to the week before.

    Runs have the lengths of the gaps that the readings have (up to a week), or `gap_lengths` in half hours, drawn with
    replacement, until `share` of the half hours is hidden. The result has a row per method (rules, linear,
    last_week) and length (to_2_hours, to_1_day, longer): hidden (half hours), imputed (share of them), mae_kwh (mean
    absolute error of the imputed half hours), bias_kwh_per_day (mean of imputed less true, times 48), and, for all
    lengths of the method together, quarters (of meters with readings on 80 % of 90 days) and changed_decisions (those
    of which the decision "below 180 kWh in 90 days" is another one with the imputed than with the true readings).

    Raises ValueError for a share that is none, NoGapError where there is no gap whose length could be taken.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; expected a share between 0 and 1")
    grid = lay_out(readings)
    true = cell_readings(readings, grid)
    observed = _gaps(true, grid).lengths
    known = np.asarray(observed[observed <= _WEEK] if gap_lengths is None else gap_lengths, dtype=np.int64)
    if not len(known):
        raise NoGapError("the readings have no gap of up to a week; expected gap_lengths")
    first, lengths = _hidden_runs(true, grid, rng, share, known)
    hidden = true.copy()
    hidden[cells_of(first, lengths)] = np.nan
    methods: dict[str, Callable[[], Floats]] = {
        "rules": lambda: impute_by_rules(hidden, grid, timezone)[0],
        "linear": lambda: impute_linear(hidden, grid),
        "last_week": lambda: impute_last_week(hidden, grid),
    }
    rows = []
    for method, fill in methods.items():
        filled = fill()
        quarters, changed = _changed_decisions(true, filled, grid)
        for name, (low, high) in _LENGTHS.items():
            chosen = (lengths >= low) & (lengths <= high)
            cells = cells_of(first[chosen], lengths[chosen])
            errors = (filled - true)[cells]
            errors = errors[~np.isnan(errors)]
            has_errors = len(errors) > 0
            rows.append(
                {
                    "method": method,
                    "length": name,
                    "hidden": len(cells),
                    "imputed": len(errors) / len(cells) if len(cells) else None,
                    "mae_kwh": float(np.abs(errors).mean()) if has_errors else None,
                    "bias_kwh_per_day": float(errors.mean()) * 48 if has_errors else None,
                    "quarters": quarters,
                    "changed_decisions": changed,
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _gaps(values: Floats, grid: HalfHourGrid) -> _Gaps:
    if not len(values):
        empty = np.zeros(0, np.int64)
        return _Gaps(empty, empty, empty)
    is_gap = np.isnan(values)
    begins = np.ones(len(values), dtype=bool)
    np.not_equal(is_gap[1:], is_gap[:-1], out=begins[1:])
    begins[grid.starts[:-1][grid.starts[:-1] < len(values)]] = True
    first, lengths = lengths_of(begins)
    chosen = is_gap[first]
    first, lengths = first[chosen], lengths[chosen]
    return _Gaps(first, lengths, np.searchsorted(grid.starts, first, side="right") - 1)


def _on_lines(values: Floats, gaps: _Gaps, chosen: NDArray[np.bool_]) -> Floats:
    """Values on the lines between the neighbours of gaps, cell by cell."""
    first, lengths = gaps.first[chosen], gaps.lengths[chosen]
    before, after = values[first - 1], values[first + lengths]
    steps = cells_of(np.ones(len(first), np.int64), lengths)
    return np.asarray(np.repeat(before, lengths) + np.repeat((after - before) / (lengths + 1), lengths) * steps)


def _offsets(grid: HalfHourGrid, timezone: str) -> tuple[int, Ints]:
    """First half hour and the local offsets from it on, of all half hours of the grid."""
    has_cells = np.diff(grid.starts) > 0
    first = grid.first[has_cells]
    local = local_half_hours(int(first.min()), int((first + np.diff(grid.starts)[has_cells]).max()), timezone)
    return local.first, local.offsets


def _from_weekdays(values: Floats, grid: HalfHourGrid, meter: int, cells: Ints, offsets: tuple[int, Ints]) -> Floats:
    start, end = int(grid.starts[meter]), int(grid.starts[meter + 1])
    near = np.concatenate(
        [np.arange(cells[0] - _NEIGHBOURS, cells[0]), np.arange(cells[-1] + 1, cells[-1] + 1 + _NEIGHBOURS)]
    )
    near = near[(near >= start) & (near < end)]
    medians = _weekday_medians(values, grid, meter, np.concatenate([cells, near]), offsets)
    at_gap, at_near = medians[: len(cells)], medians[len(cells) :]
    readings = values[near]
    both = ~np.isnan(readings) & ~np.isnan(at_near)
    if not both.any():
        return np.full(len(cells), np.nan)
    usual = at_near[both].sum()
    ratio = readings[both].sum() / usual if usual > 0 else 1.0
    return np.asarray(at_gap * np.clip(ratio, *_RATIO_BOUNDS))


def _weekday_medians(values: Floats, grid: HalfHourGrid, meter: int, cells: Ints, offsets: tuple[int, Ints]) -> Floats:
    """Median of the readings at the local time of cells in the weeks about them; NaN without any."""
    start, end = int(grid.starts[meter]), int(grid.starts[meter + 1])
    first, local = offsets
    numbers = cells - start + int(grid.first[meter])
    weeks = np.full((len(_WEEKS), len(cells)), np.nan)
    for row, week in enumerate(_WEEKS):
        there = numbers + week * _WEEK
        inside = (there >= first) & (there < first + len(local))
        moved = np.zeros(len(cells), np.int64)
        moved[inside] = local[numbers[inside] - first] - local[there[inside] - first]
        at = there + moved - int(grid.first[meter]) + start
        inside &= (at >= start) & (at < end)
        weeks[row, inside] = values[at[inside]]
    medians = np.full(len(cells), np.nan)
    has_any = ~np.isnan(weeks).all(axis=0)
    medians[has_any] = np.nanmedian(weeks[:, has_any], axis=0)
    return medians


def _hidden_runs(
    true: Floats, grid: HalfHourGrid, rng: np.random.Generator, share: float, known: Ints
) -> tuple[Ints, Ints]:
    """First cells and lengths of runs of readings that do not meet and have a reading on either side."""
    wanted = int(share * np.count_nonzero(~np.isnan(true)))
    is_free = ~np.isnan(true)
    is_free[grid.starts[:-1][grid.starts[:-1] < len(true)]] = False
    first, lengths, hidden = [], [], 0
    for _ in range(100 * max(1, wanted)):
        if hidden >= wanted:
            break
        length = int(rng.choice(known))
        if length + 2 > len(true):
            continue
        at = int(rng.integers(1, len(true) - length))
        meter = int(np.searchsorted(grid.starts, at, side="right")) - 1
        if at + length >= grid.starts[meter + 1] or not is_free[at - 1 : at + length + 1].all():
            continue
        is_free[at - 1 : at + length + 1] = False
        first.append(at)
        lengths.append(length)
        hidden += length
    return np.array(first, dtype=np.int64), np.array(lengths, dtype=np.int64)


def _changed_decisions(true: Floats, filled: Floats, grid: HalfHourGrid) -> tuple[int, int]:
    """Quarters of 90 days of all meters that can be judged, and those with another decision after imputation."""
    quarters, changed = 0, 0
    for meter in range(len(grid.meters)):
        for start in range(int(grid.starts[meter]), int(grid.starts[meter + 1]), _QUARTER_HALF_HOURS):
            cells = slice(start, min(start + _QUARTER_HALF_HOURS, int(grid.starts[meter + 1])))
            before, after = true[cells], filled[cells]
            present = np.count_nonzero(~np.isnan(before))
            if present < 0.8 * _QUARTER_HALF_HOURS:
                continue
            quarters += 1
            changed += _is_low(before) != _is_low(after)
    return quarters, changed


def _is_low(values: Floats) -> bool:
    return bool(np.nanmean(values) * _QUARTER_HALF_HOURS < 180)
