"""Absences of the tuning generator: holidays, weekends, Christmas, second homes, as spells of half hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.meters.homes import SECOND_HOME

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours

_HOLIDAYS_PER_YEAR, _HOLIDAY_SHAPE = 2.3, 1.2
_HOLIDAY_MEDIAN_DAYS, _HOLIDAY_SIGMA, _HOLIDAY_MOST_DAYS = 7.0, 0.55, 28
_WEEKENDS_PER_YEAR, _WEEKEND_SHAPE = 6.5, 0.6
_AWAY_AT_CHRISTMAS = 0.22
_SHUT_PER_YEAR, _SHUT_DAYS = 0.065, (35, 61)
_SUMMER_WEIGHT, _SCHOOL_WEIGHT = 5.0, 2.5


def draw_absences(rng: Generator, homes: pl.DataFrame, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which the whole household is away: homes × half hours, without vacancies.

    Holidays are a renewal process with a rate of each home (gamma) and log-normal lengths; most begin in July and
    August. Weekends away run from Friday evening; one home in five is away at Christmas.
    """
    home, first, last = (
        np.concatenate(parts)
        for parts in zip(
            _holidays(rng, homes.height, clock),
            _weekends(rng, homes, clock),
            _christmas(rng, homes.height, clock),
            strict=True,
        )
    )
    is_away = mark_spells(homes.height, clock.count, home, first, last)
    second = (homes["occupancy"] == SECOND_HOME).to_numpy()
    if second.any():
        is_away[second] = ~_stays(rng, int(second.sum()), clock)
    return is_away


def draw_shut_homes(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which homes are shut for five to nine weeks (illness, work abroad, a long journey)."""
    home = np.flatnonzero(rng.random(homes) < _SHUT_PER_YEAR * clock.days / 365.25)
    day = rng.integers(0, clock.days, home.size)
    length = rng.integers(*_SHUT_DAYS, home.size)
    return mark_spells(homes, clock.count, home, _half_hour(clock, day, 30), _half_hour(clock, day + length + 1, 30))


def vacant_half_hours(homes: pl.DataFrame, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which each home is vacant, by its dates."""
    return np.repeat(vacant_days(homes, clock), clock.per_day, axis=1)


def vacant_days(homes: pl.DataFrame, clock: HalfHours) -> NDArray[np.bool_]:
    """Days on which each home is vacant: from vacant_from, before vacant_until."""
    first = homes["vacant_from"].fill_null(np.datetime64("9999-12-31").item()).to_numpy()
    end = homes["vacant_until"].fill_null(np.datetime64("9999-12-31").item()).to_numpy()
    return (clock.dates >= first[:, None]) & (clock.dates < end[:, None])


def given_absences(trips: pl.DataFrame, homes: pl.DataFrame, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours of given trips (meter, first_date, last_date: the first day back) from 10:00 until 16:00."""
    rows = {meter: row for row, meter in enumerate(homes["meter"])}
    home = np.array([rows[meter] for meter in trips["meter"]], dtype=np.int64)
    day = [(trips[column].to_numpy() - np.datetime64(clock.first_day)).astype(np.int64) for column in trips.columns[1:]]
    first, last = (_half_hour(clock, day[0], 20), _half_hour(clock, day[1], 32))
    return mark_spells(homes.height, clock.count, home, first, last)


def mark_spells(
    homes: int, half_hours: int, home: NDArray[np.int64], first: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Union of half-open spells of half hours by home; parts outside the range are cut off."""
    change = np.zeros((homes, half_hours + 1), dtype=np.int32)
    np.add.at(change, (home, np.clip(first, 0, half_hours)), 1)
    np.add.at(change, (home, np.clip(np.maximum(end, first), 0, half_hours)), -1)
    return np.cumsum(change, axis=1)[:, :-1] > 0


_Spells = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def _half_hour(clock: HalfHours, day: NDArray[np.int64], slot: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Half hour of a day and a slot of 48; days outside the range are counted on with 48 half hours."""
    inside = np.clip(day, 0, clock.days)
    beyond = np.asarray(day - inside, dtype=np.int64)
    return clock.starts[inside] + beyond * 48 + slot


def _holidays(rng: Generator, homes: int, clock: HalfHours) -> _Spells:
    rate = rng.gamma(_HOLIDAY_SHAPE, _HOLIDAYS_PER_YEAR / _HOLIDAY_SHAPE, homes) * clock.days / 365.25
    home = np.repeat(np.arange(homes), rng.poisson(rate))
    is_summer = (clock.day_of_year >= 182) & (clock.day_of_year < 240)
    weight = 1.0 + _SUMMER_WEIGHT * is_summer + _SCHOOL_WEIGHT * (clock.is_school_holiday & ~is_summer)
    weight *= np.where(clock.weekday >= 4, 1.8, 1.0)
    day = rng.choice(clock.days, size=home.size, p=weight / weight.sum())
    length = np.clip(
        np.round(rng.lognormal(np.log(_HOLIDAY_MEDIAN_DAYS), _HOLIDAY_SIGMA, home.size)), 1, _HOLIDAY_MOST_DAYS
    )
    leave = rng.integers(28, 46, home.size)
    back = rng.integers(12, 36, home.size)
    return home, _half_hour(clock, day, leave), _half_hour(clock, day + length.astype(np.int64) + 1, back)


def _weekends(rng: Generator, homes: pl.DataFrame, clock: HalfHours) -> _Spells:
    alone = (homes["household_size"].fill_null(1) == 1).to_numpy()
    rate = rng.gamma(_WEEKEND_SHAPE, _WEEKENDS_PER_YEAR / _WEEKEND_SHAPE, homes.height) * np.where(alone, 1.7, 0.85)
    home = np.repeat(np.arange(homes.height), rng.poisson(rate * clock.days / 365.25))
    friday = (rng.integers(0, max(1, clock.days // 7), home.size)) * 7 + (4 - clock.weekday[0]) % 7
    starts_saturday = rng.random(home.size) < 0.3
    first = np.where(
        starts_saturday,
        _half_hour(clock, friday + 1, rng.integers(18, 30, home.size)),
        _half_hour(clock, friday, rng.integers(34, 44, home.size)),
    )
    stays_on = np.where(rng.random(home.size) < 0.25, 1, 0)
    return home, first, _half_hour(clock, friday + 2 + stays_on, rng.integers(20, 38, home.size))


def _christmas(rng: Generator, homes: int, clock: HalfHours) -> _Spells:
    eves = np.array(clock.yearly((12, 23), 1), dtype=np.int64)
    home = np.repeat(np.arange(homes), eves.size)
    eve = np.tile(eves, homes)
    goes = rng.random(home.size) < _AWAY_AT_CHRISTMAS
    home, eve = home[goes], eve[goes] + rng.integers(-2, 3, int(goes.sum()))
    length = rng.integers(2, 10, home.size)
    return (
        home,
        _half_hour(clock, eve, rng.integers(22, 44, home.size)),
        _half_hour(clock, eve + length + 1, rng.integers(16, 42, home.size)),
    )


def _stays(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which the people of second homes are there: some weekends, weeks in summer, Easter, Christmas."""
    weekends = np.arange(clock.days // 7) * 7 + (4 - clock.weekday[0]) % 7
    often = rng.beta(1.6, 4.0, homes)
    home, weekend = np.nonzero(rng.random((homes, weekends.size)) < often[:, None])
    spells = [(home, weekends[weekend], weekends[weekend] + 2)]
    for first, latest, share, lengths in (((7, 3), 45, 0.85, (7, 32)), ((12, 22), 6, 0.3, (3, 10))):
        starts = np.array(clock.yearly(first, 1), dtype=np.int64)
        home, year = np.nonzero(rng.random((homes, starts.size)) < share)
        day = starts[year] + rng.integers(0, latest, home.size)
        spells.append((home, day, day + rng.integers(*lengths, home.size)))
    easter = np.array(clock.easter, dtype=np.int64)
    home, year = np.nonzero(rng.random((homes, easter.size)) < 0.6)
    spells.append((home, easter[year] - 3, easter[year] + rng.integers(1, 6, home.size)))
    home, day, end = (np.concatenate(parts) for parts in zip(*spells, strict=True))
    arrive, go = rng.integers(34, 42, home.size), rng.integers(28, 40, home.size)
    return mark_spells(homes, clock.count, home, _half_hour(clock, day, arrive), _half_hour(clock, end, go))
