"""Clock of a file: UTC, local time that follows the clock changes, or local standard time all year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.days import cell_readings
from ons_bigdata.meters.methods.grid import lay_out
from ons_bigdata.meters.methods.local_time import LocalHalfHours, local_half_hours

if TYPE_CHECKING:
    from ons_bigdata.meters.methods.grid import Floats, HalfHourGrid

CONVENTIONS = ("utc", "local", "local_standard", "undecided")

_SLOTS = 48
_SHIFTS = np.arange(-4, 5)
_NIGHT_CENTRE = 7.0
"""Slot of 03:30, the middle of the hours of least consumption of homes."""
_NIGHT_SLOTS = 8

_Vote = tuple[object, object, int, "int | None", float, "float | None", str, "bool | None"]


@dataclass(frozen=True)
class ClockConvention:
    """Votes of the meters on the clock of a file, and what they make."""

    convention: str
    """utc; local (follows the clock changes); local_standard (the zone's standard time all year); undecided."""
    votes: pl.DataFrame
    """One row per meter and clock change with enough readings: meter, change (local day), expected_shift (half hours
    by which habits move where the clock does not change), best_shift, correlation_unmoved (of the shift 0),
    correlation_moved (of the expected shift), vote (moved, unmoved, other) and has_skipped_hour (in spring: whether
    there are readings at the times that a local clock skips)."""
    night_votes: pl.DataFrame
    """One row per meter: meter, night_centre (half hour of the file in the middle of the four hours of least
    consumption) and vote (utc, local: the reading of the times that puts it closer to 03:30 local)."""


def infer_clock_convention(
    readings: pl.DataFrame, timezone: str, *, days: int = 28, least_days: int = 14
) -> ClockConvention:
    """Infer the clock of readings from the habits of the homes in the zone `timezone`.

    `readings` has the columns meter, started_at and kwh, with the times as the file has them, taken as if in UTC.

    1. People live by the local clock. Where the file's clock does not change with it, habits move by an hour in the
    file; where it does, they stay. For each meter and change, the profile of medians of the `days` before is compared
    with that of the `days` after the change, moved by up to two hours either way; the move with the best correlation
    is the vote. Profiles need `least_days` readings in each half hour.
    2. A clock that does not change is UTC or the zone's standard time; each meter votes by its hours of least
    consumption. Zones with the standard time UTC give utc.

    Sun and season move habits, too, and a heater may be switched by a timer, so that single votes are often wrong:
    meters decide together. The convention is undecided without a majority. Raises ValueError as `days.meter_days`
    does.
    """
    grid = lay_out(readings)
    lengths = np.diff(grid.starts)
    if not lengths.any():
        return ClockConvention("undecided", _vote_frame([], grid), _night_frame([], grid))
    values = cell_readings(readings, grid)
    first, after = grid.first[lengths > 0], (grid.first + lengths)[lengths > 0]
    local = local_half_hours(int(first.min()), int(after.max()), timezone)
    votes = _vote_frame(_votes(values, grid, local, days, least_days), grid)
    nights = _night_frame(_night_votes(values, grid, int(local.offsets.min())), grid)
    moved, unmoved = ((votes["vote"] == name).sum() for name in ("moved", "unmoved"))
    if moved == unmoved:
        convention = "undecided"
    elif unmoved > moved:
        convention = "local"
    elif local.offsets.min() == 0:
        convention = "utc"
    else:
        of_utc, of_local = ((nights["vote"] == name).sum() for name in ("utc", "local"))
        convention = "undecided" if of_utc == of_local else "utc" if of_utc > of_local else "local_standard"
    return ClockConvention(convention, votes, nights)


def _votes(values: Floats, grid: HalfHourGrid, local: LocalHalfHours, days: int, least_days: int) -> list[_Vote]:
    votes = []
    for at in np.flatnonzero(np.diff(local.offsets)) + 1:
        expected = int(local.offsets[at] - local.offsets[at - 1])
        change = local.days[int(local.day_numbers[at])]
        midnight = int(local.days.to_physical()[int(local.day_numbers[at])]) * _SLOTS
        skipped = local.first + int(at) + int(local.offsets[at - 1]) if expected > 0 else None
        for meter in range(len(grid.meters)):
            first = int(grid.first[meter])
            series = values[grid.starts[meter] : grid.starts[meter + 1]]
            if not first < midnight < first + len(series):
                continue
            before = _median_profile(series, midnight - first - days * _SLOTS, days, least_days)
            later = _median_profile(series, midnight - first + _SLOTS, days, least_days)
            if before is None or later is None:
                continue
            has_skipped = (
                None if skipped is None else bool(~np.isnan(series[skipped - first : skipped - first + 1]).all())
            )
            votes.append(_vote(grid.meters[meter], change, expected, _correlations(before, later), has_skipped))
    return votes


def _median_profile(series: Floats, start: int, days: int, least_days: int) -> Floats | None:
    """Median by half hour of the days from the cell `start` on; None with too few of them."""
    window = np.full(days * _SLOTS, np.nan)
    begin, end = max(start, 0), min(start + days * _SLOTS, len(series))
    if end <= begin:
        return None
    window[begin - start : end - start] = series[begin:end]
    by_day = window.reshape(days, _SLOTS)
    if np.count_nonzero(~np.isnan(by_day), axis=0).min() < least_days:
        return None
    return np.asarray(np.nanmedian(by_day, axis=0))


def _correlations(before: Floats, later: Floats) -> Floats:
    """Correlation of the later profile, moved by each shift, with that before; NaN for a constant one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([np.corrcoef(before, np.roll(later, shift))[0, 1] for shift in _SHIFTS])


def _vote(meter: object, change: object, expected: int, correlations: Floats, has_skipped: bool | None) -> _Vote:
    by_shift = dict(zip(_SHIFTS.tolist(), correlations.tolist(), strict=True))
    best = None if np.isnan(correlations).all() else int(_SHIFTS[np.nanargmax(correlations)])
    vote = "moved" if best == expected else "unmoved" if best == 0 else "other"
    return meter, change, expected, best, by_shift[0], by_shift.get(expected), vote, has_skipped


def _night_votes(values: Floats, grid: HalfHourGrid, standard_offset: int) -> list[tuple[object, int, str]]:
    votes: list[tuple[object, int, str]] = []
    for meter in range(len(grid.meters)):
        series = values[grid.starts[meter] : grid.starts[meter + 1]]
        slots = (int(grid.first[meter]) + np.arange(len(series))) % _SLOTS
        present = ~np.isnan(series)
        counts = np.bincount(slots[present], minlength=_SLOTS)
        if not counts.all():
            continue
        means = np.bincount(slots[present], weights=series[present], minlength=_SLOTS) / counts
        sums = np.convolve(np.concatenate([means, means[: _NIGHT_SLOTS - 1]]), np.ones(_NIGHT_SLOTS), mode="valid")
        centre = (int(np.argmin(sums)) + _NIGHT_SLOTS // 2) % _SLOTS
        if_utc, if_local = _distance(centre + standard_offset), _distance(centre)
        vote = "other" if if_utc == if_local else "utc" if if_utc < if_local else "local"
        votes.append((grid.meters[meter], centre, vote))
    return votes


def _distance(slot: float) -> float:
    """Half hours between a slot and the middle of the night, the shorter way about the clock."""
    apart = (slot - _NIGHT_CENTRE) % _SLOTS
    return min(apart, _SLOTS - apart)


def _vote_frame(votes: list[_Vote], grid: HalfHourGrid) -> pl.DataFrame:
    return pl.DataFrame(
        votes,
        schema={
            "meter": grid.meters.dtype,
            "change": pl.Date,
            "expected_shift": pl.Int64,
            "best_shift": pl.Int64,
            "correlation_unmoved": pl.Float64,
            "correlation_moved": pl.Float64,
            "vote": pl.String,
            "has_skipped_hour": pl.Boolean,
        },
        orient="row",
    )


def _night_frame(votes: list[tuple[object, int, str]], grid: HalfHourGrid) -> pl.DataFrame:
    schema = pl.Schema({"meter": grid.meters.dtype, "night_centre": pl.Int64(), "vote": pl.String()})
    return pl.DataFrame(votes, schema=schema, orient="row")
