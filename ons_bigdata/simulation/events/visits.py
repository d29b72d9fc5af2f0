"""Visits as the generators draw them: who, on which day, at which kind of place, in which hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.world.building import World

HOME, WORK, OTHER, TRAVEL, ABROAD = range(5)
"""Kinds of visits: where the person lives at the time, at work or university, at a place, on the way, abroad."""

HOURS = {
    HOME: (4, 2, 1, 0.5, 0.5, 1, 3, 5, 5, 4, 4, 4, 4, 4, 4, 4, 5, 6, 8, 9, 10, 11, 10, 7),
    WORK: (0, 0, 0, 0, 0, 0, 0, 1, 6, 10, 10, 10, 12, 12, 10, 9, 8, 4, 0, 0, 0, 0, 0, 0),
    OTHER: (2, 1, 0.5, 0.2, 0.1, 0.1, 0.5, 1, 2, 3, 4, 5, 7, 7, 6, 6, 6, 6, 7, 8, 8, 7, 6, 4),
    TRAVEL: (0.5, 0.2, 0.1, 0.1, 0.1, 0.5, 2, 5, 7, 4, 4, 4, 4, 4, 4, 5, 7, 8, 7, 5, 4, 3, 2, 1),
    ABROAD: (1, 0.5, 0.2, 0.1, 0.1, 0.2, 1, 2, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 4, 3, 2),
}
"""Frequency of events by local hour for each kind of visit."""


@dataclass(frozen=True)
class Visits:
    """One visit for each event, in any order."""

    user: NDArray[np.int64]
    """Row of the user."""
    day: NDArray[np.int64]
    """Days since the first day of the world, local time."""
    second: NDArray[np.int64]
    """Local time of day, in seconds."""
    kind: NDArray[np.int64]
    place: NDArray[np.int64]
    """Number of the place among those of the base, for kind OTHER."""


@dataclass(frozen=True)
class Population:
    """Facts of the users that a generator draws from."""

    users: int
    works: NDArray[np.bool_]
    """True for users with a place of work or study."""
    days: int
    is_weekend: NDArray[np.bool_]
    """For each day."""


class VisitGenerator(Protocol):
    """A model of activity and of the choice of places."""

    @property
    def class_mix(self) -> Mapping[str, float]:
        """Shares of the classes of places (see `draw_places`)."""

    @property
    def position_error_m(self) -> float:
        """Standard deviation of a position around its place, per axis."""

    def draw(self, rng: Generator, population: Population) -> tuple[Visits, NDArray[np.int64]]:
        """Visits of all users, and the number of places of each."""


def days_of_weekend(world: World) -> NDArray[np.bool_]:
    """True for each day of the world that is a Saturday or Sunday."""
    return np.array([(world.first_day + timedelta(days=day)).weekday() > 4 for day in range(world.days)])


def draw_seconds(rng: Generator, kind: NDArray[np.int64]) -> NDArray[np.int64]:
    """Time of day of each visit, in seconds, by the hours of its kind."""
    sums = np.cumsum(np.array([HOURS[number] for number in range(len(HOURS))]), axis=1)
    sums /= sums[:, -1:]
    found = np.searchsorted((sums + np.arange(len(HOURS))[:, None]).ravel(), kind + rng.random(kind.size), side="right")
    hour = np.minimum(found - kind * 24, 23)
    return hour * 3_600 + rng.integers(0, 3_600, kind.size)
