"""Meter-days of simulated meters, as the pilot's methods take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from ons_bigdata.simulation.meters.clock import HalfHours

if TYPE_CHECKING:
    from ons_bigdata.simulation.meters.simulated import SimulatedMeters


def simulated_days(simulated: SimulatedMeters) -> pl.DataFrame:
    """One row per meter and local day: meter, day, kwh_halfhours (46, 48 or 50, NaN = null), kwh, readings."""
    clock = HalfHours(simulated.first_day, simulated.days, simulated.timezone)
    meters = simulated.homes["meter"]
    offsets = np.concatenate([[0], np.cumsum(np.tile(clock.per_day, meters.len()))]).astype(np.int64)
    flat = pa.array(simulated.kwh.ravel(), from_pandas=True)
    halfhours = pl.Series("kwh_halfhours", pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), flat)))
    known = pl.col("kwh_halfhours").list.drop_nulls()
    return pl.DataFrame(
        {
            "meter": meters.gather(np.repeat(np.arange(meters.len()), clock.days)),
            "day": pl.Series(np.tile(clock.dates, meters.len())).cast(pl.Date),
            "kwh_halfhours": halfhours,
        }
    ).with_columns(
        kwh=pl.when(known.list.len() > 0).then(known.list.sum().cast(pl.Float64)),
        readings=known.list.len().cast(pl.Int16),
    )
