"""Simulated users of geo-located events: homes, workplaces, other places, noise and robots, with the truth of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

FIRST_DAY = datetime(2014, 4, 1, tzinfo=UTC)
DAYS = 214
"""1 April to 31 October 2014, as in the pilot of 2015."""

TOWNS = {
    "London": (51.5150, -0.1100),
    "Leeds": (53.7980, -1.5470),
    "Cardiff": (51.4830, -3.1800),
    "Edinburgh": (55.9500, -3.1900),
}
"""Town and its middle: latitude, longitude in degrees."""

ABROAD = (48.8566, 2.3522)
"""Paris, outside the British National Grid."""

FIRST_USER = 9_000_000_001
_FIRST_EVENT = 450_000_000_000_000_000
_METRE = 1 / 111_250
"""Degrees of latitude of a metre."""
_CLIENTS = ("Twitter for iPhone", "Twitter for Android", "Twitter Web Client", "Instagram")
_LONDON = ZoneInfo("Europe/London")
_SPREAD_M = 3.0
"""Standard deviation of an event's position around its place, per axis; beyond 2.5 of it none is drawn."""


@dataclass(frozen=True)
class TrueEvent:
    """An event with its truth."""

    event_id: int
    user: int
    at: datetime
    """UTC, whole seconds; no two events of a user have the same."""
    lat: float
    lon: float
    client: str
    place: str
    """home, work, other1, other2, travel (noise), abroad, or robot."""
    town: str


@dataclass(frozen=True)
class TrueUser:
    """A user with the rule by which it is a robot; a person has none."""

    user: int
    kind: str
    """person, or the rule that holds: volume, constant_interval, fixed_position, client."""
    town: str
    home: tuple[float, float]
    """Latitude and longitude; of a robot, where it stands."""


@dataclass(frozen=True)
class EventWorld:
    """All users and events, by user and time."""

    users: list[TrueUser]
    events: list[TrueEvent]


def build_event_world(
    *, persons: int = 160, days: int = DAYS, seed: int = 2014, volume_events: int = 30_500
) -> EventWorld:
    """Persons with a heavy-tailed number of events, and a robot of each kind. Equal arguments give equal worlds.

    Raises ValueError if persons is below 1 or days below 15, which the rule on fixed positions needs.
    """
    if persons < 1:
        raise ValueError(f"persons is {persons}; expected at least 1")
    if days < 15:
        raise ValueError(f"days is {days}; expected at least 15")
    rng = np.random.default_rng(seed)
    users, events = [], []
    for place in range(persons):
        town = list(TOWNS)[int(rng.integers(len(TOWNS)))]
        user = TrueUser(FIRST_USER + place, "person", town, _near(rng, TOWNS[town], 6_000))
        users.append(user)
        events += _person_events(rng, user, days)
    kinds = {"volume": volume_events, "constant_interval": 200, "fixed_position": 600, "client": 120}
    for place, (kind, count) in enumerate(kinds.items(), persons):
        user = TrueUser(FIRST_USER + place, kind, "Leeds", _near(rng, TOWNS["Leeds"], 6_000))
        users.append(user)
        events += _robot_events(rng, user, count, days)
    return EventWorld(users, [_numbered(event, place) for place, event in enumerate(events)])


def _person_events(rng: Generator, user: TrueUser, days: int) -> list[TrueEvent]:
    """Events of a person; many have few, and few have many."""
    count = int(np.clip(round(rng.lognormal(np.log(14), 1.3)), 1, 600))
    places = {
        "home": user.home,
        "work": _near(rng, user.home, 4_000, at_least_m=400),
        "other1": _near(rng, user.home, 3_000, at_least_m=400),
        "other2": _near(rng, user.home, 9_000, at_least_m=400),
    }
    shares = [0.46, 0.20, 0.09, 0.05, 0.18, 0.02]
    chosen = rng.choice([*places, "travel", "abroad"], size=count, p=shares)
    client = _CLIENTS[int(rng.choice(len(_CLIENTS), p=[0.55, 0.25, 0.12, 0.08]))]
    events = []
    for place in chosen:
        if place == "travel":
            lat, lon = _near(rng, user.home, 40_000, at_least_m=1_000)
        elif place == "abroad":
            lat, lon = _near(rng, ABROAD, 3_000)
        else:
            lat, lon = _around(rng, places[str(place)])
        at = _time_at(rng, str(place), days)
        events.append(TrueEvent(0, user.user, at, lat, lon, client, str(place), user.town))
    return _one_per_second(events)


def _robot_events(rng: Generator, user: TrueUser, count: int, days: int) -> list[TrueEvent]:
    """Events of a robot, of the kind that only its rule finds."""
    seconds = np.sort(rng.choice(days * 86_400 - 7_200, size=count, replace=False))
    if user.kind == "constant_interval":
        seconds = 3_600 * np.arange(count)
    client = "simulated weather station" if user.kind == "client" else _CLIENTS[1]
    events = []
    for second in seconds:
        lat, lon = user.home if user.kind == "fixed_position" else _near(rng, user.home, 2_000)
        at = FIRST_DAY + timedelta(seconds=int(second))
        events.append(TrueEvent(0, user.user, at, lat, lon, client, "robot", user.town))
    return events


def _near(
    rng: Generator, middle: tuple[float, float], radius_m: float, *, at_least_m: float = 0.0
) -> tuple[float, float]:
    """Position within a ring around another, uniform by radius."""
    distance, angle = rng.uniform(at_least_m, radius_m), rng.uniform(0, 2 * np.pi)
    return _moved(middle, distance * np.sin(angle), distance * np.cos(angle))


def _around(rng: Generator, place: tuple[float, float]) -> tuple[float, float]:
    """Position at a place, with the error of a receiver."""
    north, east = np.clip(rng.normal(0, _SPREAD_M, 2), -2.5 * _SPREAD_M, 2.5 * _SPREAD_M)
    return _moved(place, north, east)


def _moved(place: tuple[float, float], north_m: float, east_m: float) -> tuple[float, float]:
    lat = place[0] + north_m * _METRE
    return round(lat, 7), round(place[1] + east_m * _METRE / np.cos(np.radians(place[0])), 7)


def _time_at(rng: Generator, place: str, days: int) -> datetime:
    """Time of an event at a kind of place: working hours of weekdays at work, mornings and evenings at home."""
    while True:
        day = FIRST_DAY.date() + timedelta(days=int(rng.integers(1, days - 1)))
        if place != "work" or day.weekday() < 5:
            break
    hour = {"work": 9 + int(rng.integers(8)), "home": int(rng.choice([7, 8, 18, 19, 20, 21, 22, 23]))}.get(
        place, 10 + int(rng.integers(13))
    )
    local = datetime(day.year, day.month, day.day, hour, int(rng.integers(60)), int(rng.integers(60)), tzinfo=_LONDON)
    return local.astimezone(UTC)


def _one_per_second(events: list[TrueEvent]) -> list[TrueEvent]:
    """Events by time, the first of each second."""
    return [event for _, event in sorted({event.at: event for event in reversed(events)}.items())]


def _numbered(event: TrueEvent, place: int) -> TrueEvent:
    return TrueEvent(_FIRST_EVENT + place, *list(vars(event).values())[1:])
