"""Result of a generator of meters: clean readings and the truth about the homes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class SimulatedMeters:
    """Clean half-hourly consumption of a number of meters over a range of local days, with the truth.

    Half hours are numbered through from local midnight of `first_day` in UTC steps, so that a day has 46, 48 or 50.
    """

    first_day: date
    days: int
    timezone: str
    kwh: np.ndarray
    """Float32, meters × half hours."""
    people_at_home: np.ndarray
    """UInt8, meters × half hours: people at home, awake or asleep."""
    people_awake: np.ndarray
    """UInt8, meters × half hours: people at home and awake."""
    homes: pl.DataFrame
    """One row per meter in the order of `kwh`: meter (str), area, dwelling_type, tariff, household_size, employment,
    has_electric_heating, has_solar, occupancy (occupied, second_home, vacant), vacant_from, vacant_until (dates, null
    where never vacant)."""
    absent_days: pl.DataFrame
    """One row per meter and day: meter, day, absent (nobody slept there and nobody was at home from 06:00 to 24:00)."""
