"""Generator "zipf": Zipf activity over a span of days, places by rank, every event drawn apart.

The default parameters are calibrated to the published aggregates of the pilot of 2015 (docs/simulation.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.simulation.events.places import PARK
from ons_bigdata.simulation.events.visits import ABROAD, HOME, OTHER, TRAVEL, WORK, Visits, draw_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.events.visits import Population

CLASS_MIX: Mapping[str, float] = MappingProxyType(
    {"R": 0.50, "C": 0.39, PARK: 0.047, "P": 0.046, "X": 0.012, "Z": 0.003, "L": 0.001, "U": 0.0005, "M": 0.0005}
)
"""Shares of the classes of places other than home and work, by first letter."""


@dataclass(frozen=True)
class ZipfGenerator:
    """The number of events of a user follows a Zipf–Mandelbrot law, the choice of places a Zipf law over their ranks.

    A user is active over a span of days, the whole range or a part of it, and each event falls on any of its days. A
    share of the user's own is made at home, another on the way; the rest at work and at places by rank.

    Source of the law: Mandelbrot, Information theory and psycholinguistics (1965).
    """

    exponent: float = 0.72
    offset: float = 1.6
    max_events: int = 2_000
    steady_share: float = 0.25
    """Share of users who are active over the whole range."""
    mean_days: float = 60.0
    """Mean length of the span of the others."""
    late_level: float = 0.62
    """Volume of a day in the last fifth of the range, as a share of an earlier one."""
    weekend_level: float = 1.1
    home: tuple[float, float] = (1.6, 1.1)
    """Parameters of the beta distribution of the share of events at home."""
    travel: tuple[float, float] = (0.9, 2.4)
    """Parameters of the beta distribution of the share of events on the way."""
    places_per_event: float = 0.6
    """Mean number of places, as a multiple of the square root of the number of events."""
    max_places: int = 40
    place_exponent: float = 1.0
    work_share: float = 0.35
    """Share of work in the events of weekdays that are not at home nor on the way, of those who work or study."""
    abroad_share: float = 0.01
    position_error_m: float = 3.0
    class_mix: Mapping[str, float] = field(default_factory=lambda: CLASS_MIX)

    def draw(self, rng: Generator, population: Population) -> tuple[Visits, NDArray[np.int64]]:
        """Visits of all users, and the number of places of each."""
        events = self._events(rng, population.users)
        places = np.minimum(1 + rng.poisson(self.places_per_event * np.sqrt(events)), self.max_places)
        user = np.repeat(np.arange(population.users), events)
        day = self._days(rng, population, user)
        kind = self._kinds(rng, population, user, day)
        place = np.zeros(user.size, dtype=np.int64)
        elsewhere = kind == OTHER
        place[elsewhere] = _zipf_ranks(rng, places[user[elsewhere]], self.place_exponent)
        return Visits(user, day, draw_seconds(rng, kind), kind, place), places

    def _events(self, rng: Generator, users: int) -> NDArray[np.int64]:
        """Number of events of each user: P(N ≥ n) = ((1 + offset) / (n + offset)) ** exponent, up to the largest."""
        drawn = (1.0 + self.offset) * rng.random(users) ** (-1.0 / self.exponent) - self.offset
        return np.minimum(drawn, self.max_events).astype(np.int64)

    def _days(self, rng: Generator, population: Population, user: NDArray[np.int64]) -> NDArray[np.int64]:
        """Day of each event, within the span of its user, by the level of the days."""
        days = population.days
        is_late = np.arange(days) >= 0.8 * days
        level = np.where(is_late, self.late_level, 1.0) * np.where(population.is_weekend, self.weekend_level, 1.0)
        sums = np.r_[0.0, np.cumsum(level)]
        length = np.ceil(rng.exponential(self.mean_days, population.users)).astype(np.int64)
        start = rng.integers(1 - np.minimum(length, days) // 2, days)
        steady = rng.random(population.users) < self.steady_share
        first = np.where(steady, 0, np.clip(start, 0, days - 1))
        last = np.where(steady, days, np.clip(start + length, first + 1, days))
        at = sums[first][user] + rng.random(user.size) * (sums[last] - sums[first])[user]
        return np.clip(np.searchsorted(sums, at, side="right") - 1, 0, days - 1)

    def _kinds(
        self, rng: Generator, population: Population, user: NDArray[np.int64], day: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Kind of each visit, by the shares of its user."""
        home = rng.beta(*self.home, population.users)[user]
        travel = rng.beta(*self.travel, population.users)[user]
        at_work = np.where(population.works[user] & ~population.is_weekend[day], self.work_share, 0.0)
        chance = rng.random(user.size)
        bounds = np.cumsum(
            [np.full(user.size, self.abroad_share), travel, (1 - travel) * home, (1 - travel) * (1 - home) * at_work],
            axis=0,
        )
        return np.select([chance < bound for bound in bounds], [ABROAD, TRAVEL, HOME, WORK], default=OTHER)


def _zipf_ranks(rng: Generator, places: NDArray[np.int64], exponent: float) -> NDArray[np.int64]:
    """Rank from 0 of one of some number of places, with a chance proportional to (rank + 1) ** −exponent."""
    sums = np.cumsum(np.arange(1, int(places.max(initial=1)) + 1) ** -exponent)
    return np.searchsorted(sums, rng.random(places.size) * sums[places - 1], side="right").astype(np.int64)
