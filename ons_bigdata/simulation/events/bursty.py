"""Generator "bursty": bursts of days with negative-binomial numbers of events, one place for each part of a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.simulation.events.visits import ABROAD, HOME, OTHER, TRAVEL, WORK, Visits, draw_seconds
from ons_bigdata.simulation.events.zipf import CLASS_MIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.events.visits import Population

NIGHT, DAY, EVENING = range(3)
"""Parts of a day: before 8, from 8 to 18, after 18 o'clock."""
_HOME_BY_PART = ((0.85, 0.85), (0.15, 0.40), (0.55, 0.50))
"""Chance to be at home in each part of a weekday and of a weekend, before a user's own inclination."""
_PART_SHARES = (0.12, 0.48, 0.40)
_WORK_IN_DAY = 0.6


@dataclass(frozen=True)
class BurstyGenerator:
    """Bursts of active days, with all events of a part of a day at one place.

    A user has a log-normal number of bursts. A burst is a geometric number of days in a row; each has a
    negative-binomial number of events, with a mean of the user's own. Places are broken off a stick: the first takes a
    share of the user's own, the next the same share of the rest, and so on (Sethuraman, 1994, with equal breaks).
    """

    median_bursts: float = 3.0
    bursts_sigma: float = 1.25
    max_bursts: int = 60
    mean_burst_days: float = 4.0
    median_daily: float = 1.0
    daily_sigma: float = 0.7
    dispersion: float = 0.7
    """Size parameter of the negative-binomial number of events of a day beyond the first."""
    inclination: tuple[float, float] = (2.5, 1.2)
    """Parameters of the beta distribution of a user's inclination to post at home."""
    stick: tuple[float, float] = (1.6, 2.2)
    """Parameters of the beta distribution of a user's first share among places."""
    max_places: int = 30
    travel_share: float = 0.18
    abroad_share: float = 0.01
    position_error_m: float = 5.0
    class_mix: Mapping[str, float] = field(default_factory=lambda: CLASS_MIX)

    def draw(self, rng: Generator, population: Population) -> tuple[Visits, NDArray[np.int64]]:
        """Visits of all users, and the number of places of each."""
        day_user, day = self._active_days(rng, population)
        events = self._events(rng, population.users, day_user)
        row = np.repeat(np.arange(day.size), events)
        part = rng.choice(3, size=row.size, p=_PART_SHARES)
        kind_of_part, place_of_part = self._choices(rng, population, day_user, day)
        kind, place = kind_of_part[row, part], place_of_part[row, part]
        moving = rng.random(row.size) < self.travel_share
        kind = np.where(moving & (kind != ABROAD), TRAVEL, kind)
        second = np.where(kind == WORK, draw_seconds(rng, kind), self._seconds(rng, part))
        return (
            Visits(day_user[row], day[row], second, kind, np.where(kind == OTHER, place, 0)),
            np.full(population.users, self.max_places),
        )

    def _active_days(self, rng: Generator, population: Population) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """User and day of each active day, without repetition."""
        drawn = rng.lognormal(np.log(self.median_bursts), self.bursts_sigma, population.users)
        bursts = np.clip(np.round(drawn), 1, self.max_bursts).astype(np.int64)
        user = np.repeat(np.arange(population.users), bursts)
        start = rng.integers(0, population.days, user.size)
        length = rng.geometric(1.0 / self.mean_burst_days, user.size)
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        key = np.repeat(user * population.days, length) + np.minimum(
            np.repeat(start, length) + offset, population.days - 1
        )
        key = np.unique(key)
        return key // population.days, key % population.days

    def _events(self, rng: Generator, users: int, day_user: NDArray[np.int64]) -> NDArray[np.int64]:
        """Events of each active day: one and a negative-binomial number more."""
        mean = rng.lognormal(np.log(self.median_daily), self.daily_sigma, users)[day_user]
        return 1 + rng.negative_binomial(self.dispersion, self.dispersion / (self.dispersion + mean))

    def _choices(
        self, rng: Generator, population: Population, day_user: NDArray[np.int64], day: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Kind of visit and place in each of the three parts of each active day."""
        size = (day.size, 3)
        weekend = population.is_weekend[day]
        inclination = rng.beta(*self.inclination, population.users)[day_user]
        home = np.array(_HOME_BY_PART)[:, weekend.astype(np.int64)].T * 1.4 * inclination[:, None]
        kind = np.where(rng.random(size) < home, HOME, OTHER)
        works = (population.works[day_user] & ~weekend)[:, None] & (np.arange(3) == DAY)[None, :]
        kind = np.where(works & (rng.random(size) < _WORK_IN_DAY), WORK, kind)
        kind = np.where((rng.random(day.size) < self.abroad_share)[:, None], ABROAD, kind)
        share = np.clip(rng.beta(*self.stick, population.users), 0.02, 0.98)[day_user]
        place = np.floor(np.log(rng.random(size)) / np.log1p(-share)[:, None]).astype(np.int64)
        return kind, np.minimum(place, self.max_places - 1)

    def _seconds(self, rng: Generator, part: NDArray[np.int64]) -> NDArray[np.int64]:
        """Time of day within a part, in seconds."""
        first = np.array([0, 8, 18])[part] * 3_600
        length = np.array([8, 10, 6])[part] * 3_600
        return first + (rng.random(part.size) * length).astype(np.int64)
