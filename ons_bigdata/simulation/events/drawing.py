"""Events of the users of a world, with the truth of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.events.bursty import BurstyGenerator
from ons_bigdata.simulation.events.places import Places, draw_places
from ons_bigdata.simulation.events.robots import LEAST_DAYS, draw_robots
from ons_bigdata.simulation.events.users import SPELL_KINDS, Bases, collect_bases, draw_users
from ons_bigdata.simulation.events.visits import (
    ABROAD,
    HOME,
    OTHER,
    TRAVEL,
    WORK,
    Population,
    VisitGenerator,
    Visits,
    days_of_weekend,
)
from ons_bigdata.simulation.events.zipf import ZipfGenerator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.world.building import World

GENERATORS: Mapping[str, type[ZipfGenerator] | type[BurstyGenerator]] = {
    "zipf": ZipfGenerator,
    "bursty": BurstyGenerator,
}
PARIS = (48.8566, 2.3522)
"""Latitude and longitude of the place abroad, outside the British National Grid."""
_PARIS_SPREAD = 0.03
_FIRST_EVENT = 450_000_000_000_000_000
_METRE = 1 / 111_250
"""Degrees of latitude of a metre."""
_LARGEST_ERROR = 2.5
"""Errors of a position beyond so many standard deviations are cut off."""
_WAY_SPREAD_M = 400.0


@dataclass(frozen=True)
class DrawnEvents:
    """Users and events.

    `users`: user, kind (person, or the rule by which it is a robot), person (null for robots), client. `events`:
    event_id, user, at (UTC, whole seconds), lat, lon (degrees, seven decimals), client, place (home, parental, term,
    holiday, work, study, other, travel, abroad, robot), uprn (of the place; null without), town (authority of the place
    or of where the person lives), sorted by time; no user has two events in one second.
    """

    users: pl.DataFrame
    events: pl.DataFrame


def draw_events(
    world: World,
    *,
    users: int,
    seed: int,
    generator: str | VisitGenerator = "zipf",
    volume_events: int = 30_500,
) -> DrawnEvents:
    """Events of some persons of the world, and of a robot for each rule. Equal arguments give equal events.

    `generator`: a name of GENERATORS or a generator with parameters of its own. During an outage nobody's events are
    collected, apart from the robots'. `volume_events`: see `draw_robots`.

    Raises ValueError for an unknown generator, a world of fewer than 15 days, and more users than persons.
    """
    if world.days < LEAST_DAYS:
        raise ValueError(f"the world has {world.days} days; expected at least {LEAST_DAYS}, for its robots")
    model = _generator(generator)
    streams = (np.random.default_rng([seed, stage]) for stage in range(8))
    table = draw_users(next(streams), world, users)
    bases = collect_bases(world, table)
    persons = table.join(world.persons, on="person", how="left", maintain_order="left")
    works = persons.select(pl.col("has_work") | pl.col("is_student")).to_series().to_numpy()
    visits, places = model.draw(next(streams), Population(users, works, world.days, days_of_weekend(world)))
    of_bases = draw_places(next(streams), world, bases, places, model.class_mix)
    events = _Assembly(world, persons, bases, of_bases, visits).events(next(streams), model.position_error_m)
    robots = draw_robots(next(streams), world, first_user=int(table["user"][-1]) + 1, volume_events=volume_events)
    both = pl.concat([events, robots.drop("kind").with_columns(place=pl.lit("robot"))], how="diagonal")
    both = both.sort("at", "user").with_columns(event_id=_FIRST_EVENT + pl.int_range(pl.len(), dtype=pl.Int64))
    kinds = pl.concat(
        [
            table.with_columns(kind=pl.lit("person")),
            robots.unique("user", maintain_order=True).select("user", "kind", "client"),
        ],
        how="diagonal",
    )
    columns = ("event_id", "user", "at", "lat", "lon", "client", "place", "uprn", "town")
    return DrawnEvents(kinds.select("user", "kind", "person", "client"), both.select(columns))


def _generator(generator: str | VisitGenerator) -> VisitGenerator:
    if not isinstance(generator, str):
        return generator
    if generator not in GENERATORS:
        raise ValueError(f"unknown generator {generator!r}; known: {', '.join(GENERATORS)}")
    return GENERATORS[generator]()


@dataclass(frozen=True)
class _Assembly:
    """Visits with what is needed to place them in space and time."""

    world: World
    persons: pl.DataFrame
    """Users with the columns of their persons."""
    bases: Bases
    places: Places
    visits: Visits

    def events(self, rng: Generator, position_error_m: float) -> pl.DataFrame:
        """Events of persons, without those of outages and all but the first of a user in one second."""
        visits, addresses = self.visits, self.world.addresses
        spell = self.bases.spells_on(visits.user, visits.day)
        base = self.bases.spell_base[spell]
        row = np.where(visits.kind == HOME, self.bases.address[base], -1)
        working, work = self._workplaces(base)
        row = np.where(working, work, row)
        elsewhere = (visits.kind == OTHER) | ((visits.kind == WORK) & ~working)
        place = self.places.first[base] + np.where(visits.kind == OTHER, visits.place, 0)
        row[elsewhere] = self.places.address[place[elsewhere]]
        lon, lat = (addresses[axis].to_numpy()[row] for axis in ("lon", "lat"))
        lon[elsewhere], lat[elsewhere] = (axis[place[elsewhere]] for axis in (self.places.lon, self.places.lat))
        lon, lat = _with_error(rng, lon, lat, position_error_m)
        way = np.flatnonzero(visits.kind == TRAVEL)
        lon[way], lat[way] = self._on_the_way(rng, base[way])
        abroad = np.flatnonzero(visits.kind == ABROAD)
        lat[abroad], lon[abroad] = (
            middle + rng.uniform(-_PARIS_SPREAD, _PARIS_SPREAD, abroad.size) for middle in PARIS
        )
        of_base = self.bases.address[base]
        town = np.where(row >= 0, row, of_base)
        is_student = self.persons["is_student"].to_numpy()[visits.user]
        kinds = np.array(["", "work", "other", "travel", "abroad", "study", *SPELL_KINDS])
        kind = np.where(visits.kind == HOME, 6 + self.bases.spell_kind[spell], visits.kind)
        kind = np.where(working, np.where(is_student, 5, WORK), np.where(elsewhere, OTHER, kind))
        frame = pl.DataFrame(
            {
                "user": self.persons["user"].gather(visits.user),
                "at": self._times(),
                "lat": lat.round(7),
                "lon": lon.round(7),
                "client": self.persons["client"].gather(visits.user),
                "place": pl.Series(kinds).gather(kind),
                "uprn": addresses["uprn"].gather(pl.Series(np.where(row < 0, 0, row))),
                "town": addresses["authority_name"].gather(town),
                "authority": addresses["authority"].gather(town),
                "has_address": row >= 0,
            }
        ).with_columns(uprn=pl.when("has_address").then("uprn"))
        frame = _without_outages(frame, self.world)
        begin = datetime(self.world.first_day.year, self.world.first_day.month, self.world.first_day.day, tzinfo=UTC)
        frame = frame.filter(pl.col("at").is_between(begin, begin + timedelta(days=self.world.days), closed="left"))
        frame = frame.sort("user", "at", maintain_order=True)
        is_first = (pl.col("user") != pl.col("user").shift(1)) | (pl.col("at") != pl.col("at").shift(1))
        return frame.filter(is_first.fill_null(value=True)).drop("authority", "has_address")

    def _workplaces(self, base: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Mask of visits at a place of work or study, and the row of its address.

        Those on holiday, and students when not at their address in term, are at another place instead.
        """
        uprn = self.persons.select(pl.coalesce("work_uprn", "study_uprn")).to_series()
        first = self.world.addresses["uprn"][0]
        work = (uprn - first).fill_null(-1).to_numpy()[self.visits.user]
        spell = self.bases.spells_on(self.visits.user, self.visits.day)
        kind = self.bases.spell_kind[spell]
        is_student = self.persons["is_student"].to_numpy()[self.visits.user]
        there = np.where(is_student, kind == SPELL_KINDS.index("term"), kind == SPELL_KINDS.index("home"))
        return (self.visits.kind == WORK) & (work >= 0) & there, work

    def _on_the_way(self, rng: Generator, base: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitude and latitude between where each user lives and a random address of the same authority."""
        addresses = self.world.addresses
        start = self.bases.address[base]
        counts = np.bincount(addresses["authority_number"].to_numpy())
        starts = np.cumsum(counts) - counts
        authority = addresses["authority_number"].to_numpy()[start]
        target = starts[authority] + (rng.random(start.size) * counts[authority]).astype(np.int64)
        along = rng.random(start.size)
        lon, lat = (
            values[start] + along * (values[target] - values[start])
            for values in (addresses["lon"].to_numpy(), addresses["lat"].to_numpy())
        )
        return _with_error(rng, lon, lat, _WAY_SPREAD_M)

    def _times(self) -> pl.Series:
        """Time of each visit, UTC. An hour that the clocks skip is the next one."""
        begin = np.datetime64(self.world.first_day, "us")
        offset = (self.visits.day * 86_400 + self.visits.second).astype("timedelta64[s]")
        local = pl.Series(begin + offset)
        zoned = [
            series.dt.replace_time_zone("Europe/London", ambiguous="earliest", non_existent="null")
            for series in (local, local + timedelta(hours=1))
        ]
        return zoned[0].zip_with(zoned[0].is_not_null(), zoned[1]).dt.convert_time_zone("UTC")


def _with_error(
    rng: Generator, lon: NDArray[np.float64], lat: NDArray[np.float64], error_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions with a normal error of each axis, cut off at _LARGEST_ERROR standard deviations."""
    east, north = np.clip(rng.normal(size=(2, lon.size)), -_LARGEST_ERROR, _LARGEST_ERROR) * error_m * _METRE
    return lon + east / np.cos(np.radians(lat)), lat + north


def _without_outages(events: pl.DataFrame, world: World) -> pl.DataFrame:
    """Events outside the outages of their authority."""
    for outage in (
        world.outages.group_by("outage", "started_at", "ended_at", maintain_order=True).agg("authority").rows()
    ):
        _, started_at, ended_at, authorities = outage
        is_lost = pl.col("at").is_between(started_at, ended_at, closed="left")
        if authorities != [None]:
            is_lost &= pl.col("authority").is_in(authorities)
        events = events.filter(~is_lost)
    return events
