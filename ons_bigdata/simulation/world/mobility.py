"""Moves of home all year, terms of students and holidays, as intervals at addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.world.addresses import COLLEGE, DWELLINGS, HALL, UNIVERSITY
from ons_bigdata.simulation.world.authorities import (
    MIGRATION_DECAY_KM,
    distances_km,
    draw_destinations,
    gravity,
)
from ons_bigdata.simulation.world.households import AddressesByAuthority
from ons_bigdata.simulation.world.official_moves import fitted_destinations
from ons_bigdata.simulation.world.spells import HOLIDAY, HOME, TERM, Intervals

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

MOVE_RATES = ((30, 0.24), (45, 0.12), (65, 0.05), (200, 0.03))
"""Moves of a household in a year by the age of its eldest: below the age, the rate."""
MOVE_MONTHS = (0.7, 0.7, 0.85, 0.9, 0.95, 1.1, 1.25, 1.4, 1.25, 1.05, 0.95, 0.9)
"""Frequency of moves by month, January first; 1 is a mean month."""
MOVE_WITHIN = 0.55
"""Share of the moves that stay in their authority."""

TERMS = (((9, 22), (12, 13)), ((1, 12), (3, 28)), ((4, 26), (6, 14)))
"""First and last day (month, day) of the terms of an academic year, which students keep to within a week."""
STAYS = (0.08, 0.25, 0.12)
"""Share of students who stay at their address in term after each of the terms."""
YEARS_OF_STUDY = 3
GRADUATE_MOVES = 0.4
"""Share of those whose studies end who move into a home of their own within three months."""

HOLIDAY_SHARE = 0.35
"""Holidays of a household in Great Britain in half a year, on average."""
HOLIDAY_MONTHS = (0.2, 0.4, 0.6, 1.2, 1.1, 1.1, 1.9, 2.6, 1.0, 0.9, 0.4, 0.6)
_HOLIDAY_DAYS = (3, 15)
_VISITORS = ("CH01", "CH03", "RD10")


@dataclass(frozen=True)
class Ground:
    """Parts of the world that mobility draws from: authorities, addresses, homes and persons, and the range of days."""

    authorities: pl.DataFrame
    addresses: pl.DataFrame
    homes: pl.DataFrame
    persons: pl.DataFrame
    first_day: date
    days: int
    mobility: float = 1.0
    """Moves of households, as a multiple of MOVE_RATES."""
    home_margins: pl.DataFrame | None = None
    """Official moves out of and into each authority, of which the households' have the pattern (columns of
    `spread_over_authorities`); a pattern is drawn without."""


@dataclass(frozen=True)
class Studies:
    """Terms of all students, and for every person the first and last day of the studies (a day beyond for others)."""

    terms: Intervals
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    university: NDArray[np.int64]
    """Row of the address of the university of each person; −1 for those who do not study."""


def draw_homes(rng: Generator, ground: Ground) -> Intervals:
    """Homes of every person over all days. A household moves as a whole, at most twice; its rate depends on age."""
    homes = ground.homes
    eldest = ground.persons.group_by("household").agg(pl.col("age").max()).sort("household")["age"].to_numpy()
    rate = np.select([eldest < below for below, _ in MOVE_RATES], [rate for _, rate in MOVE_RATES])
    leaving, chances = _pattern_of_homes(rng, ground)
    at_first = ground.addresses["authority_number"].to_numpy()[homes["address"].to_numpy()]
    moves = np.minimum(rng.poisson(rate * ground.mobility * leaving[at_first] * ground.days / 365.25), 2)
    vacant = _vacant(ground)
    household = np.repeat(np.arange(homes.height), moves)
    day = np.sort(_seasonal_days(rng, ground, household.size, MOVE_MONTHS) + household * 10 * ground.days) % (
        10 * ground.days
    )
    destination = draw_destinations(rng, at_first[household], chances)
    address = vacant.draw(rng, destination)
    starts = np.concatenate([np.zeros(homes.height, dtype=np.int64), day])
    owner = np.concatenate([np.arange(homes.height), household])
    address = np.concatenate([homes["address"].to_numpy(), address])
    order = np.lexsort((np.arange(owner.size), starts, owner))
    owner, starts, address = owner[order], starts[order], address[order]
    ends = np.where(np.r_[owner[1:] == owner[:-1], False], np.r_[starts[1:], 0], ground.days)
    return _of_members(ground, owner, starts, ends, address, kind=HOME)


def _pattern_of_homes(rng: Generator, ground: Ground) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rate of moves of households of each authority as a multiple of the mean, and their chances of destinations.

    Official margins count where the ground has them: the rate of moves out per resident, and moves into each authority.
    """
    authorities = ground.authorities
    appeal = rng.lognormal(0.0, 0.3, size=(2, authorities.height))  # of staying away, of coming
    residents = authorities["residents_thousand"].to_numpy()
    if ground.home_margins is None:
        chances = gravity(
            residents * appeal[1],
            distances_km(authorities),
            decay_km=MIGRATION_DECAY_KM,
            share_within=MOVE_WITHIN,
        )
        return appeal[0], chances
    moved_out = ground.home_margins["moved_out"].to_numpy()
    leaving = moved_out / residents * (residents.sum() / moved_out.sum())
    chances = fitted_destinations(authorities, ground.home_margins, decay_km=MIGRATION_DECAY_KM)
    if authorities.height > 1:
        chances = chances * (1 - MOVE_WITHIN) + np.eye(authorities.height) * MOVE_WITHIN
    return leaving, chances


def draw_studies(rng: Generator, ground: Ground, destinations: NDArray[np.float64]) -> Studies:
    """Terms of students at halls of residence in their first year and at a dwelling of the town in later ones.

    `destinations`: see `student_destinations`. Students of 18 begin in the first autumn of the world. Those of 21 end
    their studies in its first summer; in a world that begins between summer and autumn, those of 20 end with them.
    """
    persons, addresses = ground.persons, ground.addresses
    count = ground.authorities.height
    student = np.flatnonzero(persons["is_student"].to_numpy())
    origin = addresses["authority_number"].to_numpy()[persons["address"].to_numpy()[student]]
    town = draw_destinations(rng, origin, destinations)
    universities = AddressesByAuthority(addresses, (UNIVERSITY, COLLEGE), count)
    university = np.full(persons.height, -1, dtype=np.int64)
    university[student] = universities.draw(rng, town)
    town = addresses["authority_number"].to_numpy()[university[student]]
    hall = AddressesByAuthority(addresses, (HALL,), count).draw(rng, town)
    house = _vacant(ground).draw(rng, town)
    academic, most = _academic_year(ground.first_day)
    first_year = academic + 1 - np.minimum(persons["age"].to_numpy()[student] - 18, most)
    parts = [
        _terms_of_year(
            rng, ground, student, first_year == academic + 1 - passed, academic + 1 - passed, year, (hall, house)
        )
        for passed in range(YEARS_OF_STUDY + 1)
        for year in range(YEARS_OF_STUDY)
    ]
    terms = Intervals(*(np.concatenate([getattr(part, name) for part in parts]) for name in Intervals.__annotations__))
    terms = terms.sorted()
    start = np.full(persons.height, 10 * ground.days, dtype=np.int64)
    end = np.full(persons.height, -10 * ground.days, dtype=np.int64)
    np.minimum.at(start, terms.person, terms.start)
    np.maximum.at(end, terms.person, terms.end)
    return Studies(terms, start, end, university)


def draw_graduate_homes(rng: Generator, ground: Ground, studies: Studies) -> Intervals:
    """Homes of their own of those whose studies end, to the last day, within three months of the end."""
    ending = np.flatnonzero((studies.end > 0) & (studies.end < ground.days))
    ending = ending[rng.random(ending.size) < GRADUATE_MOVES]
    start = studies.end[ending] + rng.integers(10, 90, ending.size)
    ending, start = ending[start < ground.days], start[start < ground.days]
    origin = ground.addresses["authority_number"].to_numpy()[ground.persons["address"].to_numpy()[ending]]
    chances = gravity(
        ground.authorities["residents_thousand"].to_numpy(),
        distances_km(ground.authorities),
        decay_km=2 * MIGRATION_DECAY_KM,
        share_within=0.2,
    )
    address = _vacant(ground).draw(rng, draw_destinations(rng, origin, chances))
    return Intervals(
        ending, start, np.full(ending.size, ground.days), address, np.full(ending.size, HOME, dtype=np.int64)
    )


def draw_holidays(rng: Generator, ground: Ground) -> Intervals:
    """Holidays of households in Great Britain, at most one each, at hotels and holiday caravans."""
    households = ground.homes.height
    is_away = rng.random(households) < min(HOLIDAY_SHARE * ground.days / 182.0, 0.9)
    away = np.flatnonzero(is_away)
    start = _seasonal_days(rng, ground, away.size, HOLIDAY_MONTHS)
    length = rng.integers(*_HOLIDAY_DAYS, size=away.size)
    weight = ground.authorities["holiday_weight"].to_numpy()
    weight = weight * np.sqrt(ground.authorities["residents_thousand"].to_numpy())
    authority = rng.choice(weight.size, size=away.size, p=weight / weight.sum())
    address = AddressesByAuthority(ground.addresses, _VISITORS, weight.size).draw(rng, authority)
    return _of_members(ground, away, start, start + length, address, kind=HOLIDAY)


def _vacant(ground: Ground) -> AddressesByAuthority:
    """Dwellings that are nobody's home at the beginning; every dwelling in an authority that has no such."""
    is_home = np.zeros(ground.addresses.height, dtype=bool)
    is_home[ground.homes["address"].to_numpy()] = True
    table = ground.addresses.select("class_code", "authority_number", is_home=pl.Series(is_home))
    dwelling = pl.col("class_code").is_in(DWELLINGS)
    some = (dwelling & ~pl.col("is_home")).any().over("authority_number")
    wanted = dwelling & (~pl.col("is_home") | ~some)
    return AddressesByAuthority(
        table.with_columns(class_code=pl.when(wanted).then("class_code").otherwise(pl.lit(""))),
        DWELLINGS,
        ground.authorities.height,
    )


def _seasonal_days(rng: Generator, ground: Ground, count: int, months: tuple[float, ...]) -> NDArray[np.int64]:
    """Days after the first, by the weights of their months."""
    calendar = [ground.first_day + timedelta(days=day) for day in range(1, ground.days)]
    weights = np.array([months[day.month - 1] for day in calendar])
    return 1 + rng.choice(weights.size, size=count, p=weights / weights.sum())


def _of_members(
    ground: Ground,
    household: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    address: NDArray[np.int64],
    *,
    kind: int,
) -> Intervals:
    """Intervals of all members of households (rows), sorted by person and start."""
    sizes = ground.homes["persons"].to_numpy()
    first = np.cumsum(sizes) - sizes
    members = sizes[household]
    row = np.repeat(np.arange(household.size), members)
    person = first[household[row]] + np.arange(row.size) - np.repeat(np.cumsum(members) - members, members)
    return Intervals(person, start[row], end[row], address[row], np.full(row.size, kind, dtype=np.int64)).sorted()


def _academic_year(day: date) -> tuple[int, int]:
    """Calendar year in which the academic year of a day began, and the most years that a student has begun by then.

    After the last term those in their last year are no students any more.
    """
    began = day.year - ((day.month, day.day) < (TERMS[0][0][0], TERMS[0][0][1] - 7))
    is_over = began < day.year and (day.month, day.day) > TERMS[2][1]
    return began, YEARS_OF_STUDY - is_over


def _terms_of_year(
    rng: Generator,
    ground: Ground,
    student: NDArray[np.int64],
    mask: NDArray[np.bool_],
    first_year: int,
    year: int,
    lodgings: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> Intervals:
    """Terms of the students of a mask in one year of their studies; who stays after a term stays to the next one."""
    of_year = student[mask]
    address = lodgings[0 if year == 0 else 1][mask]
    autumn = first_year + year
    bounds = []
    for term, dates in enumerate(TERMS):
        for month, day in dates:
            there = date(autumn + (term > 0), month, day)
            bounds.append((there - ground.first_day).days + rng.integers(-4, 4, of_year.size))
    starts, ends = bounds[0::2], bounds[1::2]
    stays = [rng.random(of_year.size) < share for share in STAYS]
    next_autumn = (date(autumn + 1, *TERMS[0][0]) - ground.first_day).days - 5
    follows = [starts[1], starts[2], np.full(of_year.size, next_autumn if year + 1 < YEARS_OF_STUDY else -1)]
    ends = [
        np.where(stay & (later > 0), np.maximum(end, later), end)
        for end, stay, later in zip(ends, stays, follows, strict=True)
    ]
    return Intervals(
        np.tile(of_year, len(TERMS)),
        np.concatenate(starts),
        np.concatenate(ends),
        np.tile(address, len(TERMS)),
        np.full(len(TERMS) * of_year.size, TERM, dtype=np.int64),
    )
