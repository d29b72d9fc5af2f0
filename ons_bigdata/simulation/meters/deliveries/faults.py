"""Faults of deliveries of readings, put into clean simulated meters, with the truth of every fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours

ERROR_CODES = (4294967.295, 2147483.647, 16777.215, 8590.017, 34364.271, 38655.37, 186227.0865)
"""Codes that feeds of today deliver in the place of a reading."""
KINDS = (
    *("late_start", "early_end", "gap", "day_gap", "long_gap", "duplicate_identical", "duplicate_conflict"),
    *("off_grid_null", "stuck", "estimated_flat", "commissioning_zeros", "accumulated", "meter_swap", "error_code"),
    *("negative", "unit_error"),
)
_NULL_OFFSET_S = (120, 420)
"""Rows without a reading come 2 to 7 minutes after a half hour begins, as in the London trial."""


@dataclass(frozen=True)
class FaultRates:
    """How often each fault occurs. Rates are per meter and 536 days, shares are of meters; lengths in half hours.

    The defaults make 4.7 % of the half hours missing, and 0.07 % of the rows duplicates.
    """

    edge_share: float = 0.25
    edge_mean: float = 0.147
    """Mean part of the whole range by which a delivery begins late or ends early."""
    gaps: float = 10.0
    gap_mean: float = 2.0
    day_gaps: float = 0.5
    long_gaps: float = 0.5
    long_gap_mean: float = 430.0
    duplicates: float = 18.0
    conflicts: float = 2.0
    off_grid_nulls: float = 1.0
    stuck_share: float = 0.03
    flat_share: float = 0.05
    commissioning_share: float = 0.03
    accumulated_share: float = 0.3
    """Share of the gaps of a day or more after which a reading has the energy of the whole gap."""
    swap_share: float = 0.01
    error_code_share: float = 0.01
    negative_share: float = 0.005
    unit_error_share: float = 0.0
    """Share of the meters that deliver watt-hours for part of the time: readings a thousand times too high."""


CLEAN = FaultRates(
    **dict.fromkeys(
        (
            *("edge_share", "gaps", "day_gaps", "long_gaps", "duplicates", "conflicts", "off_grid_nulls"),
            *("stuck_share", "flat_share", "commissioning_share", "swap_share", "error_code_share", "negative_share"),
        ),
        0.0,
    )
)
"""Deliveries without faults."""


@dataclass(frozen=True)
class Delivery:
    """Rows as delivered, in the order of meters and time, and the truth of the faults among them."""

    row: NDArray[np.int32]
    """Meter of each row: place in the order of the clean readings."""
    half_hour: NDArray[np.int32]
    kwh: NDArray[np.float64]
    """Reading; NaN for a row without any (token Null)."""
    offset_s: NDArray[np.int32]
    """Seconds after the half hour's beginning: 0, but for off-grid rows."""
    faults: pl.DataFrame
    """row (meter), fault (see KINDS), first, end (half hours, half-open), rows (affected), value (error code, part)."""


@dataclass
class _Faults:
    """Faults collected so far, by column."""

    rows: list[tuple[NDArray[np.int64], str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = field(
        default_factory=list
    )

    def add(
        self,
        kind: str,
        row: NDArray[np.int64],
        first: NDArray[np.int64],
        end: NDArray[np.int64],
        value: NDArray[np.float64] | None = None,
    ) -> None:
        """Record faults of a kind: meters, half-open half hours, and a value."""
        self.rows.append((row, kind, first, end, np.full(row.size, np.nan) if value is None else value))

    def frame(self) -> pl.DataFrame:
        """All faults, sorted by meter and time."""
        parts = [
            pl.DataFrame(
                {"row": row, "fault": [kind] * row.size, "first": first, "end": end, "value": value},
                schema={"row": pl.Int64, "fault": pl.String, "first": pl.Int64, "end": pl.Int64, "value": pl.Float64},
            )
            for row, kind, first, end, value in self.rows
        ]
        return pl.concat(parts).with_columns(pl.col("value").fill_nan(None)).sort("row", "first", "fault", "end")


def deliver_with_faults(
    rng: Generator, kwh: NDArray[np.float32], clock: HalfHours, rates: FaultRates | None = None
) -> Delivery:
    """Rows of a delivery of clean readings (meters × half hours) with faults.

    Values change first (swapped meters, flat and stuck blocks, units), then half hours get lost, and rows come twice.
    No truth is changed: the faults are recorded apart.
    """
    rates = rates or FaultRates()
    scale = clock.days / 536
    values = kwh.astype(np.float64).round(3)
    faults = _Faults()
    _swap(rng, values, rates, faults)
    _flatten(rng, values, rates, faults)
    _stick(rng, values, rates, faults)
    lost = np.zeros(values.shape, dtype=bool)
    _commission(rng, values, lost, rates, faults)
    _lose_edges(rng, lost, rates, faults)
    _lose_gaps(rng, values, lost, rates, scale, faults)
    _scale_units(rng, values, rates, faults)
    _set_single(rng, values, lost, rates, faults)
    return _rows(rng, values.round(4), lost, clock, rates, scale, faults)


def _chosen(rng: Generator, meters: int, share: float) -> NDArray[np.int64]:
    return np.flatnonzero(rng.random(meters) < share)


def _swap(rng: Generator, values: NDArray[np.float64], rates: FaultRates, faults: _Faults) -> None:
    """Pairs of meters whose readings are exchanged from some half hour on."""
    chosen = rng.permutation(_chosen(rng, len(values), rates.swap_share))
    pairs = chosen[: chosen.size // 2 * 2].reshape(-1, 2)
    half_hours = values.shape[1]
    for one, other in pairs:
        at = int(rng.integers(half_hours // 5, max(half_hours * 4 // 5, half_hours // 5 + 1)))
        values[[one, other], at:] = values[[other, one], at:]
        both = np.array([one, other])
        faults.add("meter_swap", both, np.full(2, at), np.full(2, half_hours), np.array([other, one], dtype=float))


def _flatten(rng: Generator, values: NDArray[np.float64], rates: FaultRates, faults: _Faults) -> None:
    """Blocks of days estimated by the supplier: the mean of the meter in every half hour."""
    for row in _chosen(rng, len(values), rates.flat_share):
        first, end = _block(rng, values.shape[1], 48, 14 * 48)
        mean = float(np.round(values[row].mean(), 3))
        values[row, first:end] = mean
        faults.add("estimated_flat", np.array([row]), np.array([first]), np.array([end]), np.array([mean]))


def _stick(rng: Generator, values: NDArray[np.float64], rates: FaultRates, faults: _Faults) -> None:
    """Readings that repeat the last one before for some hours; never zero."""
    for row in _chosen(rng, len(values), rates.stuck_share):
        first, end = _block(rng, values.shape[1], 8, 96)
        value = values[row, first]
        if value == 0:
            continue
        values[row, first:end] = value
        faults.add("stuck", np.array([row]), np.array([first]), np.array([end]), np.array([value]))


def _block(rng: Generator, half_hours: int, shortest: int, longest: int) -> tuple[int, int]:
    length = min(int(rng.integers(shortest, longest + 1)), half_hours)
    first = int(rng.integers(0, half_hours - length + 1))
    return first, first + length


def _commission(
    rng: Generator, values: NDArray[np.float64], lost: NDArray[np.bool_], rates: FaultRates, faults: _Faults
) -> None:
    """New meters: zeros for up to five days, then a gap of up to three, then readings."""
    half_hours = values.shape[1]
    for row in _chosen(rng, len(values), rates.commissioning_share):
        zeros, gap = int(rng.integers(1, 6)) * 48, int(rng.integers(1, 4)) * 48
        zeros, gap = min(zeros, half_hours), min(gap, max(half_hours - zeros, 0))
        values[row, :zeros] = 0.0
        lost[row, zeros : zeros + gap] = True
        faults.add("commissioning_zeros", np.array([row]), np.array([0]), np.array([zeros]))
        faults.add("gap", np.array([row]), np.array([zeros]), np.array([zeros + gap]))


def _lose_edges(rng: Generator, lost: NDArray[np.bool_], rates: FaultRates, faults: _Faults) -> None:
    """Deliveries that begin late or end early, in whole half hours."""
    half_hours = lost.shape[1]
    chosen = _chosen(rng, len(lost), rates.edge_share)
    missing = np.minimum(rng.exponential(rates.edge_mean, chosen.size), 0.7) * half_hours
    is_late = rng.random(chosen.size) < 0.5
    for row, length, late in zip(chosen, missing.astype(np.int64), is_late, strict=True):
        first, end = (0, length) if late else (half_hours - length, half_hours)
        if length == 0:
            continue
        lost[row, first:end] = True
        kind = "late_start" if late else "early_end"
        faults.add(kind, np.array([row]), np.array([first]), np.array([end]))


def _lose_gaps(
    rng: Generator,
    values: NDArray[np.float64],
    lost: NDArray[np.bool_],
    rates: FaultRates,
    scale: float,
    faults: _Faults,
) -> None:
    """Gaps: geometric lengths, of 24.5 hours, and of days; after some of the longer ones a reading has all of it."""
    meters, half_hours = values.shape
    for kind, rate in (("gap", rates.gaps), ("day_gap", rates.day_gaps), ("long_gap", rates.long_gaps)):
        row = np.repeat(np.arange(meters), rng.poisson(rate * scale, meters))
        first = rng.integers(0, half_hours, row.size)
        length = rng.geometric(1 / rates.gap_mean, row.size) if kind == "gap" else np.full(row.size, 49)
        if kind == "long_gap":
            length = 96 + rng.exponential(rates.long_gap_mean - 96, row.size).astype(np.int64)
        end = np.minimum(first + length, half_hours)
        faults.add(kind, row, first, end)
        is_summed = (kind != "gap") & (end < half_hours) & (rng.random(row.size) < rates.accumulated_share)
        for number in range(row.size):
            here = slice(first[number], end[number])
            if is_summed[number] and not lost[row[number], here.start : here.stop + 1].any():
                total = float(values[row[number], here].sum())
                values[row[number], end[number]] += total
                at = np.array([end[number]])
                faults.add("accumulated", row[number : number + 1], at, at + 1, np.array([total]))
            lost[row[number], here] = True


def _scale_units(rng: Generator, values: NDArray[np.float64], rates: FaultRates, faults: _Faults) -> None:
    """Watt-hours in the place of kilowatt-hours from some half hour on, for at least a week."""
    half_hours = values.shape[1]
    for row in _chosen(rng, len(values), rates.unit_error_share):
        first, end = _block(rng, half_hours, min(7 * 48, half_hours), half_hours)
        values[row, first:end] *= 1000.0
        faults.add("unit_error", np.array([row]), np.array([first]), np.array([end]), np.array([1000.0]))


def _set_single(
    rng: Generator, values: NDArray[np.float64], lost: NDArray[np.bool_], rates: FaultRates, faults: _Faults
) -> None:
    """Single readings in whose place an error code or a negative number comes."""
    half_hours = values.shape[1]
    for kind, share in (("error_code", rates.error_code_share), ("negative", rates.negative_share)):
        row = np.repeat(_chosen(rng, len(values), share), 3)
        at = rng.integers(0, half_hours, row.size)
        given = ~lost[row, at]
        row, at = row[given], at[given]
        value = (
            rng.choice(ERROR_CODES, row.size) if kind == "error_code" else -np.round(rng.uniform(0.01, 2, row.size), 3)
        )
        values[row, at] = value
        faults.add(kind, row, at, at + 1, value)


def _rows(
    rng: Generator,
    values: NDArray[np.float64],
    lost: NDArray[np.bool_],
    clock: HalfHours,
    rates: FaultRates,
    scale: float,
    faults: _Faults,
) -> Delivery:
    """Rows that are delivered: what is not lost, duplicates at midnight, and rows without a reading off the grid."""
    row, half_hour = np.nonzero(~lost)
    kwh = values[row, half_hour]
    midnights = clock.starts[:-1]
    extra = []
    for kind, rate in (("duplicate_identical", rates.duplicates), ("duplicate_conflict", rates.conflicts)):
        meter = np.repeat(np.arange(len(values)), rng.poisson(rate * scale, len(values)))
        at = midnights[rng.integers(0, midnights.size, meter.size)]
        _, first = np.unique(meter * clock.count + at, return_index=True)
        first = first[~lost[meter[first], at[first]]]
        meter, at = meter[first], at[first]
        value = values[meter, at]
        if kind == "duplicate_conflict":
            value = np.round(value + rng.uniform(0.05, 0.5, meter.size), 3)
        faults.add(kind, meter, at, at + 1, value)
        extra.append((meter, at, value, np.zeros(meter.size, dtype=np.int64)))
    meter = np.repeat(np.arange(len(values)), rng.poisson(rates.off_grid_nulls * scale, len(values)))
    at = rng.integers(0, clock.count, meter.size)
    faults.add("off_grid_null", meter, at, at)
    extra.append((meter, at, np.full(meter.size, np.nan), rng.integers(*_NULL_OFFSET_S, meter.size)))
    usual = (row, half_hour, kwh, np.zeros(row.size, dtype=np.int64))
    row, half_hour, kwh, offset = (np.concatenate(parts) for parts in zip(usual, *extra, strict=True))
    order = np.argsort(row.astype(np.int64) * clock.count + half_hour, kind="stable")
    columns = (row[order].astype(np.int32), half_hour[order].astype(np.int32), kwh[order])
    return Delivery(*columns, offset[order].astype(np.int32), faults.frame())
