"""Events of phones: where each carrier is at which time of each day, and the cell that serves the phone there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.phones.network import Network
    from ons_bigdata.simulation.world.building import World

EVENTS_PER_DAY = 26.0
"""Usual mean number of events of a phone a day."""
_LEAST_SHARE = 4.0 / EVENTS_PER_DAY
"""Part of the events that all phones have alike."""
_HOURLY = np.array([0.55] * 6 + [0.8, 1.0] + [1.3] * 12 + [1.5, 1.4, 1.1, 0.8])
"""Relative number of events by hour of the local day."""
_ATTENDS = {"regular": 0.94, "part_time": 0.95, "student": 0.75, "pupil": 0.96}
_HOURS = {"regular": (8.6, 17.3), "part_time": (9.2, 15.2), "student": (9.8, 16.0), "pupil": (8.7, 15.6)}
"""Mean hours at which a day at work, study or school begins and ends."""
_NIGHT = (21.6, 30.3)
"""Mean hours at which a night shift begins, and ends on the next day."""
ZONE = "Europe/London"


def draw_events(
    rng: Generator,
    world: World,
    network: Network,
    persons: pl.DataFrame,
    phones: pl.DataFrame,
    holidays: tuple[date, ...],
    *,
    events_per_day: float = EVENTS_PER_DAY,
) -> pl.DataFrame:
    """Events of the phones over the days of the world: device, at_utc, cell, sorted.

    `persons` and `phones` as of `carriers`. `holidays`: days on which nobody works or studies. `events_per_day`: mean
    number of events of a phone; phones differ (gamma).
    """
    carrier = np.unique(phones["row"].to_numpy())
    whereabouts = _whereabouts(rng, world, persons[carrier], carrier, holidays)
    return _events(rng, world, network, phones, whereabouts, events_per_day)


def draw_presence(
    rng: Generator, world: World, persons: pl.DataFrame, holidays: tuple[date, ...], day: int, hours: tuple[float, ...]
) -> NDArray[np.int64]:
    """Draw the address (row) at which each person is at hours of a day of the world: hours by persons.

    `persons` as of `carriers.draw_kinds`, with or without a phone. The days are drawn anew: they are like those of
    `draw_events`, not the same.
    """
    everyone = np.arange(persons.height)
    places = _whereabouts(rng, world, persons, everyone, holidays)
    on_day = np.full(persons.height, day)
    return np.array([places.at(everyone, on_day, np.full(persons.height, hour)) for hour in hours])


def _whereabouts(
    rng: Generator, world: World, persons: pl.DataFrame, carrier: NDArray[np.int64], holidays: tuple[date, ...]
) -> _Whereabouts:
    home = _homes(world, persons["person"].to_numpy())
    out = np.empty((carrier.size, world.days, 3))
    for number, kind in enumerate(persons["kind"].to_list()):
        out[number] = _shifts(rng, kind, world, holidays)
    trip = _trips(rng, world, persons, home)
    return _Whereabouts(carrier, home, persons["place"].to_numpy(), out, *trip)


class _Whereabouts:
    """Places of carriers by day."""

    def __init__(
        self,
        carrier: NDArray[np.int64],
        home: NDArray[np.int64],
        place: NDArray[np.int64],
        shift: NDArray[np.float64],
        trip: NDArray[np.int64],
        trip_from: NDArray[np.float64],
        trip_to: NDArray[np.float64],
    ) -> None:
        """Keep the arrays: home, trip by carrier and day; place by carrier; shift (from, to, whether) in hours."""
        self.carrier, self.home, self.place, self.shift = carrier, home, place, shift
        self.trip, self.trip_from, self.trip_to = trip, trip_from, trip_to

    def at(self, carrier: NDArray[np.int64], day: NDArray[np.int64], hour: NDArray[np.float64]) -> NDArray[np.int64]:
        """Row of the address at which carriers are."""
        usual = self.home[:, :1][carrier, 0]
        home = self.home[carrier, day]
        begins, ends, _ = np.moveaxis(self.shift[carrier, day], -1, 0)
        before = np.maximum(day - 1, 0)
        begins_before, ends_before, _ = np.moveaxis(self.shift[carrier, before], -1, 0)
        at_work = (hour >= begins) & (hour < ends)
        at_work |= (day > 0) & (hour + 24.0 >= begins_before) & (hour + 24.0 < ends_before)
        at_work &= (self.place[carrier] >= 0) & (home == usual)  # nobody works on a holiday journey
        on_trip = (hour >= self.trip_from[carrier, day]) & (hour < self.trip_to[carrier, day])
        return np.where(at_work, self.place[carrier], np.where(on_trip, self.trip[carrier, day], home))


def _homes(world: World, persons: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the address at which each person lives on each day."""
    spells = world.spells.sort("person", "first_date")
    starts = np.searchsorted(spells["person"].to_numpy(), persons)
    ends = np.searchsorted(spells["person"].to_numpy(), persons, side="right")
    first = (spells["first_date"] - world.first_day).dt.total_days().to_numpy()
    address = spells["address"].to_numpy()
    homes = np.empty((persons.size, world.days), np.int64)
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        homes[number] = address[start]
        for spell in range(start + 1, end):
            homes[number, max(0, first[spell]) :] = address[spell]
    return homes


def _shifts(rng: Generator, kind: str, world: World, holidays: tuple[date, ...]) -> NDArray[np.float64]:
    """Hours from which to which a person is at work, study or school on each day; an empty stretch if not."""
    days = [world.first_day + timedelta(days=day) for day in range(world.days)]
    weekday = np.array([day.isoweekday() for day in days])
    is_open = (weekday <= 5) & np.array([day not in holidays for day in days])
    goes = np.zeros(world.days, bool)
    begin, end = np.full(world.days, 99.0), np.full(world.days, 99.0)
    if kind in _HOURS:
        chosen = rng.permutation(5)[: rng.integers(2, 4)] + 1 if kind == "part_time" else np.arange(1, 6)
        goes = is_open & np.isin(weekday, chosen) & (rng.random(world.days) < _ATTENDS[kind])
        usual = rng.normal(0.0, 0.5, 2)
        begin = _HOURS[kind][0] + usual[0] + rng.normal(0.0, 0.3, world.days)
        end = _HOURS[kind][1] + usual[1] + rng.normal(0.0, 0.5, world.days)
    elif kind in {"night_shift", "rotating_shift"}:
        nights = np.isin(weekday, rng.permutation(7)[: rng.integers(4, 6)] + 1)
        week = (np.arange(world.days) + weekday[0] - 1) // 7
        is_night = nights & ((week % 2 == 0) | (kind == "night_shift"))
        is_day = nights & (week % 2 == 1) & (kind == "rotating_shift")
        goes = (is_night | is_day) & (rng.random(world.days) < 0.95)
        begin = np.where(is_night, _NIGHT[0], 6.6) + rng.normal(0.0, 0.3, world.days)
        end = np.where(is_night, _NIGHT[1], 14.6) + rng.normal(0.0, 0.3, world.days)
    elif kind == "home_worker":
        goes = is_open & (rng.random(world.days) < 0.12)
        begin, end = np.full(world.days, 9.5), np.full(world.days, 16.5)
    return np.column_stack([np.where(goes, begin, 99.0), np.where(goes, end, 99.0), goes])


def _trips(
    rng: Generator, world: World, persons: pl.DataFrame, home: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Trips to shops and friends: row of the address, hours from and to; who does not work goes by day, too."""
    number, days = home.shape
    authority = world.addresses["authority_number"].to_numpy()
    order = np.argsort(authority, kind="stable")
    starts = np.searchsorted(authority[order], np.arange(world.authorities.height))
    sizes = np.bincount(authority, minlength=world.authorities.height)
    of_home = authority[home]
    usual = rng.random((number, 3))
    favourite = usual[np.arange(number)[:, None], rng.integers(0, 3, home.shape)]
    chance = np.where(rng.random(home.shape) < 0.6, favourite, rng.random(home.shape))
    trip = order[starts[of_home] + (chance * sizes[of_home]).astype(np.int64)]
    is_free = np.isin(persons["kind"].to_numpy(), ["non_worker", "home_worker"])[:, None]
    weekday = (np.arange(days) + world.first_day.isoweekday() - 1) % 7
    is_day = is_free | (weekday >= 5)
    goes = rng.random(home.shape) < np.where(is_day, 0.45, 0.25)
    begins = np.where(is_day, rng.uniform(9.5, 19.0, home.shape), rng.uniform(17.8, 20.0, home.shape))
    length = rng.gamma(2.0, 0.8, home.shape)
    return trip, np.where(goes, begins, 99.0), np.where(goes, np.minimum(begins + length, 23.5), 99.0)


def _events(
    rng: Generator,
    world: World,
    network: Network,
    phones: pl.DataFrame,
    whereabouts: _Whereabouts,
    events_per_day: float,
) -> pl.DataFrame:
    carrier = np.searchsorted(whereabouts.carrier, phones["row"].to_numpy())
    busy = rng.gamma(4.0, (1 - _LEAST_SHARE) / 4.0, phones.height)
    rate = events_per_day * (busy + _LEAST_SHARE)
    is_off = rng.random((phones.height, world.days)) < 0.03
    counts = np.where(is_off, 0, rng.poisson(rate[:, None], (phones.height, world.days)))
    cell_of = counts.ravel()
    row = np.repeat(np.arange(counts.size), cell_of)
    device, day = row // world.days, row % world.days
    hour = np.interp(rng.random(row.size), np.append(0.0, np.cumsum(_HOURLY) / _HOURLY.sum()), np.arange(25.0))
    address = whereabouts.at(carrier[device], day, hour)
    mast = network.serving(rng, address)
    second = day * 86_400 + np.minimum((hour * 3_600).astype(np.int64), 86_399)
    start = np.datetime64(world.first_day, "us")
    local = pl.Series(start + (second * 1_000_000).astype("timedelta64[us]"))
    events = pl.DataFrame(
        {
            "device": phones["device"].gather(pl.Series(device)),
            "at_utc": local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
                "UTC"
            ),
            "cell": network.masts["cell"].gather(pl.Series(mast)),
        }
    )
    return events.drop_nulls("at_utc").sort("device", "at_utc", "cell")
