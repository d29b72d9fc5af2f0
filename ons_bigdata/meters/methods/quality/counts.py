"""Counts of states by meter and month."""

from __future__ import annotations

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.grid import number_meters
from ons_bigdata.meters.methods.quality.assessment import STATE
from ons_bigdata.meters.schemas.vocabulary import STATES

_DAY_US = 86_400_000_000


def count_states(assessed: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of each meter, month and state, and sum their readings.

    `assessed` is the result of `assess`. Columns of the result: meter, month (first day of the month of started_at in
    UTC), state, readings (rows, Int64) and kwh (sum of their readings; null where there is none), sorted by meter,
    month and state in the order of STATES.
    """
    meters, row_meters = number_meters(assessed["meter"])
    days = assessed["started_at"].to_physical().to_numpy() // _DAY_US
    first = int(days.min()) if len(days) else 0
    calendar = pl.Series(np.arange(first, int(days.max()) + 1) if len(days) else [0], dtype=pl.Int32).cast(pl.Date)
    month_starts = calendar.dt.month_start()
    months = month_starts.unique().sort()
    month_of_day = months.search_sorted(month_starts).to_numpy().astype(np.int64)
    states = assessed["state"].to_physical().to_numpy()
    cells = (row_meters * len(months) + month_of_day[days - first]) * len(STATES) + states
    size = len(meters) * len(months) * len(STATES)
    kwh = assessed["kwh"].to_numpy()
    is_present = ~np.isnan(kwh)
    rows = np.bincount(cells, minlength=size)
    sums = np.bincount(cells, weights=np.where(is_present, kwh, 0.0), minlength=size)
    present = np.bincount(cells[is_present], minlength=size)
    used = np.flatnonzero(rows)
    return pl.DataFrame(
        {
            "meter": meters.gather(used // (len(months) * len(STATES))),
            "month": months.gather(used // len(STATES) % len(months)),
            "state": pl.Series(STATES, dtype=STATE).gather(used % len(STATES)),
            "readings": pl.Series(rows[used], dtype=pl.Int64),
            "kwh": pl.Series(np.where(present[used] > 0, sums[used], np.nan), nan_to_null=True),
        }
    )
