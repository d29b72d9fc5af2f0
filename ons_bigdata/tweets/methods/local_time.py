"""Time variables of events in local time."""

from __future__ import annotations

import polars as pl

ZONE = "Europe/London"

_SLOT_US = 15 * 60 * 1_000_000
"""Microseconds of a quarter of an hour: no zone has changed its clock within one since 1972."""
_SLOTS_PER_EVENT = 0.5
"""Most quarters of an hour, from the first event to the last, for each event, for which they are computed once."""
_FIRST_US = 63_072_000_000_000
"""First microsecond of 1972, when the last zones left clocks of odd minutes."""


def add_local_time(events: pl.DataFrame, *, zone: str = ZONE) -> pl.DataFrame:
    """Events with `local_date`, `month` (its first day), `weekday` (1 Monday … 7 Sunday) and `hour` (0 … 23).

    `events` has `ts_utc` (Datetime, UTC); the variables are those of the clock in `zone`, summer time included. The
    hour that comes twice when summer time ends is counted as one.
    """
    times = events["ts_utc"].dt.cast_time_unit("us").to_physical()
    first, last = times.min(), times.max()
    if not isinstance(first, int) or not isinstance(last, int) or first < _FIRST_US or times.null_count():
        return events.with_columns(_variables(pl.col("ts_utc"), zone))
    first_slot, slots = first // _SLOT_US, last // _SLOT_US - first // _SLOT_US + 1
    if slots > _SLOTS_PER_EVENT * events.height:
        return events.with_columns(_variables(pl.col("ts_utc"), zone))
    begins = pl.int_range(first_slot, first_slot + slots, eager=True) * _SLOT_US
    of_slots = pl.select(_variables(pl.lit(begins.cast(pl.Datetime("us", "UTC"))), zone))
    slot = times // _SLOT_US - first_slot
    return events.with_columns(of_slots.select(pl.all().gather(slot)))


def _variables(times: pl.Expr, zone: str) -> list[pl.Expr]:
    local = times.dt.convert_time_zone(zone)
    return [
        local.dt.date().alias("local_date"),
        local.dt.date().dt.month_start().alias("month"),
        local.dt.weekday().cast(pl.Int32).alias("weekday"),
        local.dt.hour().cast(pl.Int32).alias("hour"),
    ]
