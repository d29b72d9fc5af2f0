"""The generators of simulated meters by name, and how meters are simulated with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from ons_bigdata.simulation.meters.adversarial import BoutGenerator
from ons_bigdata.simulation.meters.clock import HalfHours, draw_temperatures
from ons_bigdata.simulation.meters.simulated import SimulatedMeters, absent_days
from ons_bigdata.simulation.meters.tuning import ChainGenerator

if TYPE_CHECKING:
    from datetime import date

    from numpy.random import Generator
    from numpy.typing import NDArray

BLOCK = 100
"""Meters that are drawn at a time: bounds the memory."""


class MeterGenerator(Protocol):
    """What draws consumption and presence of some homes."""

    def draw_block(
        self,
        rng: Generator,
        homes: pl.DataFrame,
        clock: HalfHours,
        temperature: NDArray[np.float32],
        trips: pl.DataFrame,
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
        """Consumption (kWh), people at home and people awake of some homes: homes × half hours."""


GENERATORS: dict[str, MeterGenerator] = {"chain": ChainGenerator(), "bouts": BoutGenerator()}
"""`chain`: methods are tuned on it. `bouts`: methods are only tried on it."""

NO_TRIPS = pl.DataFrame(schema={"meter": pl.String, "first_date": pl.Date, "last_date": pl.Date})


def simulate_meters(
    homes: pl.DataFrame,
    *,
    seed: int,
    first_day: date,
    days: int,
    generator: str | MeterGenerator = "chain",
    timezone: str = "Europe/Dublin",
    trips: pl.DataFrame = NO_TRIPS,
) -> SimulatedMeters:
    """Simulate the meters of homes (see `draw_homes`). The same arguments give the same values.

    `trips`: further absences of whole households (meter, first_date, last_date: the first day back). Readings are in
    whole watt-hours.

    Raises ValueError for an unknown generator, and for fewer than one day.
    """
    if isinstance(generator, str):
        if generator not in GENERATORS:
            raise ValueError(f"generator {generator!r} is unknown; expected {' or '.join(GENERATORS)}")
        generator = GENERATORS[generator]
    clock = HalfHours(first_day, days, timezone)
    temperature = draw_temperatures(np.random.default_rng([seed, 1]), clock)
    kwh = np.empty((homes.height, clock.count), dtype=np.float32)
    at_home, awake = (np.empty(kwh.shape, dtype=np.uint8) for _ in range(2))
    for block, first in enumerate(range(0, homes.height, BLOCK)):
        rows = slice(first, first + BLOCK)
        some = trips.join(homes[rows].select("meter"), on="meter", how="semi", maintain_order="left")
        rng = np.random.default_rng([seed, 2, block])
        drawn, at_home[rows], awake[rows] = generator.draw_block(rng, homes[rows], clock, temperature, some)
        kwh[rows] = np.round(drawn, 3)
    return SimulatedMeters(
        first_day, days, timezone, kwh, at_home, awake, homes, absent_days(homes["meter"], at_home, clock)
    )
