"""Use of vacant homes in the tuning generator: 0 to 180 kWh a quarter, a third of them above 100."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.simulation.meters.appliances import fridge_load, timer_load

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours

DAYS_OF_QUARTER = 91.3
_ABOVE_100 = 1 / 3
_MOST_KWH = 172.0


def draw_vacant_levels(rng: Generator, homes: int) -> NDArray[np.float64]:
    """Energy per quarter (kWh) of vacant homes that use anything: two thirds 15 to 100, a third 100 to 172."""
    return np.where(
        rng.random(homes) < _ABOVE_100, rng.uniform(100.0, _MOST_KWH, homes), rng.uniform(15.0, 100.0, homes)
    )


def vacant_load(
    rng: Generator, reads_zero: NDArray[np.bool_], clock: HalfHours, temperature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Half-hourly kWh of vacant homes over the whole range: standby, at times a fridge, timers, frost heating, visits.

    The sum of each is scaled to its level per quarter; homes in `reads_zero` use nothing.
    """
    homes = reads_zero.size
    shape = np.ones((homes, clock.count), dtype=np.float32) * rng.uniform(0.01, 0.04, homes)[:, None].astype(np.float32)
    shape *= 1.0 + 0.03 * rng.standard_normal(shape.shape, dtype=np.float32)
    shape += fridge_load(rng, homes, clock, temperature) * (rng.random(homes) < 0.4)[:, None]
    shape += 0.3 * timer_load(rng, homes, clock, 0.35)
    shape += _frost_heating(rng, homes, clock, temperature)
    shape += _visits(rng, homes, clock)
    level = draw_vacant_levels(rng, homes) / DAYS_OF_QUARTER * clock.days
    scaled = shape * (level / shape.sum(axis=1))[:, None].astype(np.float32)
    scaled[reads_zero] = 0.0
    return scaled.astype(np.float32)


def _frost_heating(
    rng: Generator, homes: int, clock: HalfHours, temperature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A heater against frost in one home of ten, on the coldest days."""
    power = rng.uniform(0.02, 0.06, homes) * (rng.random(homes) < 0.1)
    need = np.clip(6.0 - temperature, 0.0, 4.0)[clock.day] / 4.0
    return (power[:, None] * need).astype(np.float32)


def _visits(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.float32]:
    """Visits of an hour or two by day, about one in six weeks."""
    load = np.zeros((homes, clock.count), dtype=np.float32)
    home, day = np.nonzero(rng.random((homes, clock.days)) < 1 / 42)
    start = clock.starts[day] + rng.integers(18, 34, home.size)
    for after in range(2):
        load[home, start + after] += rng.uniform(0.05, 0.25, home.size).astype(np.float32)
    return load
