"""Generator "zipf": Zipf activity over a span of days, places by rank, every event drawn apart.

The default parameters are calibrated to the published aggregates of the pilot of 2015 (docs/simulated_world.md).
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
    {"R": 0.605, "C": 0.282, PARK: 0.051, "P": 0.046, "X": 0.011, "Z": 0.003, "L": 0.001, "U": 0.0005, "M": 0.0005}
)
"""Shares of the classes of places other than home and work, by first letter."""


@dataclass(frozen=True)
class ZipfGenerator:
    """The number of events of a user follows a Zipf–Mandelbrot law, the choice of places a Zipf law over their ranks.

    A user is active over a span of days, the longer the more events, and each event falls on any of its days. Long
    spans begin or end with the range more often than short ones (`_first_days`). A share of the user's own is made at
    home, another on the way; the rest at work and at places by rank.

    Source of the law: Mandelbrot, Information theory and psycholinguistics (1965).
    """

    exponent: float = 0.575
    offset: float = 16.0
    max_events: int = 700
    visitor_share: float = 0.491
    """Share of users who never post at home."""
    visitor_exponent: float = 4.5
    """Exponent of the number of their events."""
    span_days: float = 8.6
    """Median length of the span of a user with one event."""
    span_exponent: float = 0.5
    """Power of the number of events with which the span grows."""
    span_sigma: float = 0.62
    """Standard deviation of the logarithm of the length."""
    least_limit: float = 0.62
    """Smallest limit of a span, as a share of the range: limits are uniform from there to the whole range."""
    edge_share: float = 0.4
    """Chance that a span begins with the range, or ends with it, as a multiple of the share of it that it covers."""
    late_level: float = 0.62
    """Volume of a day in the last fifth of the range, as a share of an earlier one."""
    weekend_level: float = 1.1
    home: tuple[float, float] = (1.5, 0.6)
    """Parameters of the beta distribution of the share of events at home."""
    travel: tuple[float, float] = (0.7, 2.1)
    """Parameters of the beta distribution of the share of events on the way."""
    places_per_event: float = 0.56
    """Mean number of places, as a multiple of the square root of the number of events."""
    max_places: int = 40
    place_exponent: float = 1.55
    work_share: float = 0.35
    """Share of work in the events of weekdays that are not at home nor on the way, of those who work or study."""
    abroad_share: float = 0.01
    position_error_m: float = 3.0
    class_mix: Mapping[str, float] = field(default_factory=lambda: CLASS_MIX)

    def draw(self, rng: Generator, population: Population) -> tuple[Visits, NDArray[np.int64]]:
        """Visits of all users, and the number of places of each."""
        visits_only = rng.random(population.users) < self.visitor_share
        events = self._events(rng, np.where(visits_only, self.visitor_exponent, self.exponent))
        places = np.minimum(1 + rng.poisson(self.places_per_event * np.sqrt(events)), self.max_places)
        user = np.repeat(np.arange(population.users), events)
        day = self._days(rng, population, events)
        home = np.where(visits_only, 0.0, rng.beta(*self.home, population.users))
        kind = self._kinds(rng, population, user, day, home)
        place = np.zeros(user.size, dtype=np.int64)
        elsewhere = kind == OTHER
        place[elsewhere] = _zipf_ranks(rng, places[user[elsewhere]], self.place_exponent)
        return Visits(user, day, draw_seconds(rng, kind), kind, place), places

    def _events(self, rng: Generator, exponent: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of events of each user: P(N ≥ n) = ((1 + offset) / (n + offset)) ** exponent, up to the largest."""
        drawn = (1.0 + self.offset) * rng.random(exponent.size) ** (-1.0 / exponent) - self.offset
        return np.minimum(drawn, self.max_events).astype(np.int64)

    def _days(self, rng: Generator, population: Population, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """Day of each event, user by user, within the span of the user, by the level of the days."""
        days = population.days
        is_late = np.arange(days) >= 0.8 * days
        level = np.where(is_late, self.late_level, 1.0) * np.where(population.is_weekend, self.weekend_level, 1.0)
        sums = np.r_[0.0, np.cumsum(level)]
        drawn = self.span_days * events**self.span_exponent * rng.lognormal(0.0, self.span_sigma, events.size)
        limit = days * rng.uniform(self.least_limit, 1.0, events.size)
        length = np.clip(np.ceil(np.minimum(drawn, limit)), 1, days).astype(np.int64)
        first = _first_days(rng.random(events.size), length, days, self.edge_share)
        user = np.repeat(np.arange(events.size), events)
        at = sums[first][user] + rng.random(user.size) * (sums[first + length] - sums[first])[user]
        return np.clip(np.searchsorted(sums, at, side="right") - 1, 0, days - 1)

    def _kinds(
        self,
        rng: Generator,
        population: Population,
        user: NDArray[np.int64],
        day: NDArray[np.int64],
        share_at_home: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """Kind of each visit, by the shares of its user."""
        home = share_at_home[user]
        travel = rng.beta(*self.travel, population.users)[user]
        at_work = np.where(population.works[user] & ~population.is_weekend[day], self.work_share, 0.0)
        chance = rng.random(user.size)
        bounds = np.cumsum(
            [np.full(user.size, self.abroad_share), travel, (1 - travel) * home, (1 - travel) * (1 - home) * at_work],
            axis=0,
        )
        return np.select([chance < bound for bound in bounds], [ABROAD, TRAVEL, HOME, WORK], default=OTHER)


def _first_days(
    chance: NDArray[np.float64], length: NDArray[np.int64], days: int, edge_share: float
) -> NDArray[np.int64]:
    """First day of spans of some lengths within a range, for chances uniform on [0, 1).

    A span begins with the range, and as often ends with it, with `edge_share` of the chance that it would cover a given
    day: its user was active before the range, or is after it. All others begin on any day. So there are about as many
    events at both ends of the range as within it.
    """
    at_end = np.minimum(edge_share * length / days, 0.5)
    within = (chance - at_end) / np.maximum(1.0 - 2.0 * at_end, 1e-9) * (days - length + 1)
    return np.clip(np.floor(within), 0, days - length).astype(np.int64)


def _zipf_ranks(rng: Generator, places: NDArray[np.int64], exponent: float) -> NDArray[np.int64]:
    """Rank from 0 of one of some number of places, with a chance proportional to (rank + 1) ** −exponent."""
    sums = np.cumsum(np.arange(1, int(places.max(initial=1)) + 1) ** -exponent)
    return np.searchsorted(sums, rng.random(places.size) * sums[places - 1], side="right").astype(np.int64)
