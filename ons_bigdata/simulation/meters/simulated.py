"""Result of a generator of meters: clean readings and the truth about the homes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours


@dataclass(frozen=True)
class SimulatedMeters:
    """Clean half-hourly consumption of a number of meters over a range of local days, with the truth.

    Half hours are numbered through from local midnight of `first_day` in UTC steps, so that a day has 46, 48 or 50.
    """

    first_day: date
    days: int
    timezone: str
    kwh: NDArray[np.float32]
    """Float32, meters × half hours."""
    people_at_home: NDArray[np.uint8]
    """UInt8, meters × half hours: people at home, awake or asleep."""
    people_awake: NDArray[np.uint8]
    """UInt8, meters × half hours: people at home and awake."""
    homes: pl.DataFrame
    """One row per meter in the order of `kwh`: meter (str), area, dwelling_type, tariff, household_size, employment,
    has_electric_heating, has_solar, occupancy (occupied, second_home, vacant), vacant_from, vacant_until (the first day
    on which it is occupied again; null where never vacant, or not within the range). See also `draw_homes`."""
    absent_days: pl.DataFrame
    """One row per meter and day: meter, day, absent (nobody was at home in any half hour of the local day)."""


def absent_days(meters: pl.Series, people_at_home: NDArray[np.uint8], clock: HalfHours) -> pl.DataFrame:
    """Truth of absence: one row per meter and local day (meter, day, absent), in the order of `people_at_home`."""
    most = np.maximum.reduceat(people_at_home, clock.starts[:-1], axis=1)
    return pl.DataFrame(
        {
            "meter": meters.gather(np.repeat(np.arange(meters.len()), clock.days)),
            "day": np.tile(clock.dates, meters.len()),
            "absent": (most == 0).ravel(),
        }
    )
