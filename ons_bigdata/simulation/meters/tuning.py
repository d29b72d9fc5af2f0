"""Generator "chain", on which methods are tuned: Markov chains of persons, absences on top, appliances of people awake.

The states away, active and asleep by time of use follow Richardson, Thomson and Infield, A high-resolution domestic
building occupancy model for energy demand simulations (Energy and Buildings 40, 2008), with our own chances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.simulation.meters.absences import draw_absences, draw_shut_homes, given_absences, vacant_half_hours
from ons_bigdata.simulation.meters.appliances import (
    add_appliances,
    base_load,
    busy_days,
    comfort_load,
    controlled_load,
    fridge_load,
    heating_load,
    left_on,
    lighting_and_screens,
    switch_off,
    take_solar,
    timer_load,
)
from ons_bigdata.simulation.meters.homes import SECOND_HOME, STARTING_KWH, VACANT
from ons_bigdata.simulation.meters.presence_chain import draw_presence
from ons_bigdata.simulation.meters.vacant_load import vacant_load

if TYPE_CHECKING:
    import polars as pl
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours


@dataclass(frozen=True)
class ChainGenerator:
    """Parameters of the generator. See `simulate_meters`."""

    base_kwh: float = 0.037
    base_sigma: float = 0.72
    log_activity: float = -0.43
    activity_sigma: float = 0.5
    busy_days: float = 0.3
    timers: float = 0.58

    def draw_block(
        self,
        rng: Generator,
        homes: pl.DataFrame,
        clock: HalfHours,
        temperature: NDArray[np.float32],
        trips: pl.DataFrame,
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
        """Consumption, people at home and people awake of some homes."""
        count = homes.height
        size = homes["household_size"].fill_null(0).to_numpy().astype(np.float64)
        at_home, awake = draw_presence(rng, homes, clock)
        is_vacant = vacant_half_hours(homes, clock)
        rng_of_shut = rng.spawn(1)[0]
        is_lived_in = (homes["occupancy"] != SECOND_HOME).to_numpy()
        is_shut = draw_shut_homes(rng_of_shut, count, clock) & is_lived_in[:, None]
        is_away = draw_absences(rng, homes, clock) | given_absences(trips, homes, clock) | is_vacant | is_shut
        at_home[is_away] = 0
        awake[is_away] = 0
        level = np.exp(rng.normal(self.log_activity, self.activity_sigma, count)).astype(np.float32)
        busy = level[:, None] * busy_days(rng, count, clock.days, self.busy_days)
        kwh = lighting_and_screens(rng, awake, size, clock) * busy[:, clock.day]
        add_appliances(rng, kwh, awake, busy, size, clock)
        kwh += comfort_load(rng, awake, clock, temperature)
        kwh += left_on(rng, kwh.mean(axis=1), is_away, clock)
        controlled = (homes["meter_type"] == "controlled_load").to_numpy()
        insensitive = (homes["meter_type"] == "insensitive").to_numpy()[:, None] | controlled[:, None]
        base = base_load(rng, count, clock, self.base_kwh, self.base_sigma)
        kwh += np.where(insensitive, base * np.float32(0.08), base)
        kwh += fridge_load(rng, count, clock, temperature)
        kwh += timer_load(rng, count, clock, self.timers)
        kwh += heating_load(rng, homes, awake, is_away, clock, temperature)
        switch_off(rng_of_shut, kwh, is_shut)
        kwh[insensitive & (kwh < STARTING_KWH)] = 0.0
        take_solar(rng, kwh, homes["has_solar"].to_numpy(), clock)
        kwh[controlled] += controlled_load(rng, at_home[controlled], clock)
        empty = np.flatnonzero((homes["occupancy"] == VACANT).to_numpy())
        load = vacant_load(rng, homes["reads_zero"].to_numpy()[empty], clock, temperature)
        kwh[empty] = np.where(is_vacant[empty], load, kwh[empty])
        return kwh, at_home, awake
