"""The generators of simulated meters by name, and how meters are simulated with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from ons_bigdata.simulation.meters.adversarial import BoutGenerator
from ons_bigdata.simulation.meters.clock import HalfHours, draw_temperatures
from ons_bigdata.simulation.meters.simulated import SimulatedMeters, absent_days
from ons_bigdata.simulation.meters.tuning import ChainGenerator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.random import Generator
    from numpy.typing import NDArray

BLOCK = 100
"""Meters that are drawn at a time: bounds the memory."""


class MeterGenerator(Protocol):
    """Model that draws consumption and presence of some homes."""

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


@dataclass(frozen=True)
class Simulation:
    """Arguments of a simulation: equal ones give equal readings.

    `trips`: absences of whole households besides those that the generator draws (meter, first_date, last_date: the
    first day back).
    """

    seed: int
    first_day: date
    days: int
    generator: str | MeterGenerator = "chain"
    timezone: str = "Europe/Dublin"
    trips: pl.DataFrame = field(default_factory=lambda: NO_TRIPS)

    def blocks(self, homes: pl.DataFrame) -> Iterator[SimulatedMeters]:
        """Meters of homes (see `draw_homes`) in blocks of BLOCK, in order: memory does not grow with their number.

        Raises ValueError for no homes, an unknown generator, and fewer than one day.
        """
        generator = self.generator
        if isinstance(generator, str):
            if generator not in GENERATORS:
                raise ValueError(f"generator {generator!r} is unknown; expected {' or '.join(GENERATORS)}")
            generator = GENERATORS[generator]
        if homes.height == 0:
            raise ValueError("there are no homes; expected at least one")
        clock = HalfHours(self.first_day, self.days, self.timezone)
        temperature = draw_temperatures(np.random.default_rng([self.seed, 1]), clock)
        for block, first in enumerate(range(0, homes.height, BLOCK)):
            part = homes[first : first + BLOCK]
            trips = self.trips.join(part.select("meter"), on="meter", how="semi", maintain_order="left")
            rng = np.random.default_rng([self.seed, 2, block])
            kwh, at_home, awake = generator.draw_block(rng, part, clock, temperature, trips)
            absent = absent_days(part["meter"], at_home, clock)
            kwh = np.round(kwh, 3)
            yield SimulatedMeters(self.first_day, self.days, self.timezone, kwh, at_home, awake, part, absent)


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
    """Simulate the meters of homes at once: see `Simulation`. Readings are in whole watt-hours.

    Raises ValueError for no homes, an unknown generator, and fewer than one day.
    """
    blocks = list(Simulation(seed, first_day, days, generator, timezone, trips).blocks(homes))
    return SimulatedMeters(
        first_day,
        days,
        timezone,
        np.concatenate([block.kwh for block in blocks]),
        np.concatenate([block.people_at_home for block in blocks]),
        np.concatenate([block.people_awake for block in blocks]),
        homes,
        pl.concat([block.absent_days for block in blocks]),
    )
