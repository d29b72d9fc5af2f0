"""Time variables of events in local time."""

from __future__ import annotations

import polars as pl

ZONE = "Europe/London"


def add_local_time(events: pl.DataFrame, *, zone: str = ZONE) -> pl.DataFrame:
    """Events with `local_date`, `month` (its first day), `weekday` (1 Monday … 7 Sunday) and `hour` (0 … 23).

    `events` has `ts_utc` (Datetime, UTC); the variables are those of the clock in `zone`, summer time included. The
    hour that comes twice when summer time ends is counted as one.
    """
    local = pl.col("ts_utc").dt.convert_time_zone(zone)
    return events.with_columns(
        local.dt.date().alias("local_date"),
        local.dt.date().dt.month_start().alias("month"),
        local.dt.weekday().cast(pl.Int32).alias("weekday"),
        local.dt.hour().cast(pl.Int32).alias("hour"),
    )
