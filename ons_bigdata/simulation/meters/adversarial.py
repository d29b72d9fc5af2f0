"""Generator "bouts", on which methods are tried but never tuned: other functional forms than "chain" throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.simulation.meters.absences import given_absences, vacant_half_hours
from ons_bigdata.simulation.meters.bout_loads import (
    cut_off,
    cyclic_cooling,
    degree_heating,
    draw_moods,
    drifting_base,
    empty_home_life,
    log_gaussian_activity,
    night_surprises,
    night_water,
    renewal_bouts,
    sunny_import,
    vacant_bouts,
)
from ons_bigdata.simulation.meters.homes import SECOND_HOME, STARTING_KWH, VACANT
from ons_bigdata.simulation.meters.presence_bouts import draw_bout_presence, draw_cox_absences, draw_shut_spells

if TYPE_CHECKING:
    import polars as pl
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours


@dataclass(frozen=True)
class BoutGenerator:
    """Parameters of the generator. See `simulate_meters`."""

    base_kwh: float = 0.056
    base_sigma: float = 0.95
    log_activity: float = -2.95
    log_sigma: float = 0.5
    bouts_per_day: float = 4.0

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
        at_home, awake = draw_bout_presence(rng, homes, clock)
        is_vacant = vacant_half_hours(homes, clock)
        rng_of_shut = rng.spawn(1)[0]
        is_lived_in = (homes["occupancy"] != SECOND_HOME).to_numpy()
        is_shut = draw_shut_spells(rng_of_shut, count, clock) & is_lived_in[:, None]
        is_away = draw_cox_absences(rng, homes, clock) | given_absences(trips, homes, clock) | is_vacant | is_shut
        at_home[is_away] = 0
        awake[is_away] = 0
        size = np.maximum(homes["household_size"].fill_null(1).to_numpy(), 1)
        mood = draw_moods(rng, count, clock.days)
        kwh = log_gaussian_activity(rng, awake, mood, clock, self.log_activity, self.log_sigma)
        kwh += (
            renewal_bouts(rng, awake, mood, clock, self.bouts_per_day) * (size[:, None] / 2.5).astype(np.float32) ** 0.2
        )
        controlled = (homes["meter_type"] == "controlled_load").to_numpy()
        insensitive = (homes["meter_type"] == "insensitive").to_numpy()[:, None] | controlled[:, None]
        base = drifting_base(rng, count, clock, self.base_kwh, self.base_sigma)
        cooling = cyclic_cooling(rng, count, clock)
        kwh += np.where(
            insensitive, np.maximum(base + cooling - (base + cooling).mean(axis=1, keepdims=True), 0), base + cooling
        )
        kwh += night_surprises(rng, count, clock) * ~is_away
        kwh += degree_heating(rng, homes["has_electric_heating"].to_numpy(), at_home, clock, temperature)
        kwh += empty_home_life(rng, is_away, clock, temperature)
        kwh = np.where(is_shut, cut_off(rng_of_shut, kwh), kwh)
        kwh[insensitive & (kwh < STARTING_KWH)] = 0.0
        sunny_import(rng, kwh, homes["has_solar"].to_numpy(), clock)
        kwh[controlled] += night_water(rng, at_home[controlled], clock)
        empty = np.flatnonzero((homes["occupancy"] == VACANT).to_numpy())
        load = vacant_bouts(rng, homes["reads_zero"].to_numpy()[empty], clock, temperature)
        kwh[empty] = np.where(is_vacant[empty], load, kwh[empty])
        return kwh, at_home, awake
