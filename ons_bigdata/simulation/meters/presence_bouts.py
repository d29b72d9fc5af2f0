"""Presence of the adversarial generator: bouts at home and out with durations of their own, and spells of absence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.simulation.meters.absences import mark_spells
from ons_bigdata.simulation.meters.homes import SECOND_HOME

if TYPE_CHECKING:
    import polars as pl
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours

_WORKS, _STAYS, _CHILD = range(3)
_OUTINGS = 3

# Mean hours at home before each outing, and shape and scale (hours) of the Weibull length of the outing.
_GAP_HOURS = {_WORKS: (1.3, 2.2, 4.0), _STAYS: (3.6, 3.8, 4.0), _CHILD: (1.3, 2.5, 4.0)}
_OUT_HOURS = {_WORKS: (5.5, 9.6), _STAYS: (1.25, 1.9), _CHILD: (9.0, 7.2)}
_LATER_OUT_HOURS = (1.3, 1.6)
_SHUT_PER_YEAR, _SHUT_LEAST_NIGHTS, _SHUT_MOST_NIGHTS = 0.055, 32, 60


def draw_bout_presence(
    rng: Generator, homes: pl.DataFrame, clock: HalfHours
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """People at home, and at home and awake, of each home and half hour, without absences of the whole household.

    A semi-Markov process: everybody gets up at a logistic time, then bouts at home (gamma lengths) and out (Weibull
    lengths) alternate until bedtime. A day begins at 04:00 local time.
    """
    size = homes["household_size"].fill_null(0).to_numpy()
    home = np.repeat(np.arange(homes.height), size)
    shape = (homes.height, clock.days + 1, 48)
    at_home, awake = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    if home.size:
        is_in, is_up = _draw_people(rng, homes, home, clock)
        first = np.flatnonzero(np.r_[True, home[1:] != home[:-1]])
        at_home[home[first]] = np.add.reduceat(is_in, first, axis=0, dtype=np.uint8)
        awake[home[first]] = np.add.reduceat(is_in & is_up, first, axis=0, dtype=np.uint8)
    later = clock.slot >= 8
    cell = (clock.day + later) * 48 + np.where(later, clock.slot - 8, clock.slot + 40)
    return at_home.reshape(homes.height, -1)[:, cell], awake.reshape(homes.height, -1)[:, cell]


def _draw_people(
    rng: Generator, homes: pl.DataFrame, home: NDArray[np.int64], clock: HalfHours
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of each person being in, and up, by day (with the one before the first) and half hour from 04:00."""
    persons, days = home.size, clock.days + 1
    place = np.arange(persons) - np.searchsorted(home, home)
    adults, workers = (homes[column].fill_null(0).to_numpy()[home] for column in ("adults", "workers"))
    kind = np.where(place < workers, _WORKS, np.where(place < adults, _STAYS, _CHILD))
    free = np.r_[False, (clock.weekday >= 5) | clock.is_public_holiday][None, :] | (rng.random((persons, days)) < 0.08)
    free = free | ((kind == _CHILD)[:, None] & np.r_[False, clock.is_school_holiday][None, :])
    free = free | (kind == _STAYS)[:, None]
    early = rng.normal(0.0, 0.6, persons)[:, None]
    wake = np.where(free, 8.0, 6.8) + early + 0.35 * rng.logistic(size=(persons, days))
    bed = np.where((kind == _CHILD)[:, None], 21.2, 23.1) + 0.7 * early + 0.4 * rng.logistic(size=(persons, days))
    hours = (4.25 + 0.5 * np.arange(48)).astype(np.float32)
    is_in = np.ones((persons, days, 48), dtype=bool)
    at = np.maximum(wake, 4.5)
    homebody = rng.beta(2.0, 2.0, persons)[:, None]
    for outing in range(_OUTINGS):
        is_main = ~free & (outing == 0)
        mean = np.array([_GAP_HOURS[number][outing] for number in range(3)])[kind][:, None]
        mean = np.where(is_main, mean, np.maximum(mean, 3.6) * (0.6 + homebody))
        gap = rng.gamma(np.where(is_main, 9.0, 1.6)) * mean / np.where(is_main, 9.0, 1.6)
        weibull, scale = (np.array([_OUT_HOURS[number][part] for number in range(3)])[kind][:, None] for part in (0, 1))
        weibull = np.where(is_main, weibull, _LATER_OUT_HOURS[0])
        length = np.where(is_main, scale, _LATER_OUT_HOURS[1]) * rng.exponential(size=gap.shape) ** (1.0 / weibull)
        leave = at + gap
        leave = np.where(leave > bed - 1.0, 99.0, leave)
        back = np.minimum(leave + length, 27.0)
        is_in &= (hours < leave[..., None].astype(np.float32)) | (hours >= back[..., None].astype(np.float32))
        at = back
    is_up = (hours >= wake[..., None].astype(np.float32)) & (hours < bed[..., None].astype(np.float32))
    return is_in, is_up


def draw_cox_absences(rng: Generator, homes: pl.DataFrame, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which the whole household is away: homes × half hours, without vacancies.

    Spells begin at a rate with a yearly wave whose height and season are each home's; short ones are geometric, long
    ones gamma. One home in thirty is empty from Monday to Thursday of most weeks.
    """
    count = homes.height
    wave = rng.gamma(2.0, 0.5, count)
    season = rng.normal(210, 35, count)
    log_rate = wave[:, None] * np.cos(2 * np.pi * (clock.day_of_year - season[:, None]) / 365.25)
    yearly = rng.gamma(1.0, 6.3, count)
    rate = np.exp(log_rate)
    rate *= (yearly / 365.25)[:, None] / rate.mean(axis=1, keepdims=True)
    home, day = np.nonzero(rng.random((count, clock.days)) < rate)
    is_long = rng.random(home.size) < 0.42
    nights = np.where(is_long, rng.gamma(3.0, 2.7, home.size), rng.geometric(0.55, home.size)).astype(np.int64) + 1
    weekly = np.flatnonzero(rng.random(count) < 1 / 30)
    mondays = np.arange(clock.days // 7) * 7 + (-clock.weekday[0]) % 7
    commuter, week = np.nonzero(rng.random((weekly.size, mondays.size)) < 0.75)
    home = np.concatenate([home, weekly[commuter]])
    day = np.concatenate([day, mondays[week]])
    nights = np.concatenate([nights, np.full(commuter.size, 3)])
    christmas = np.array(clock.yearly((12, 22), 1), dtype=np.int64)
    goes, year = np.nonzero(rng.random((count, christmas.size)) < 0.25)
    home = np.concatenate([home, goes])
    day = np.concatenate([day, christmas[year] + rng.integers(-1, 4, goes.size)])
    nights = np.concatenate([nights, rng.poisson(4.0, goes.size) + 1])
    is_away = _spells(rng, count, clock, home, day, nights)
    second = np.flatnonzero((homes["occupancy"] == SECOND_HOME).to_numpy())
    is_away[second] = ~_draw_stays(rng, second.size, clock)
    return is_away


def draw_shut_spells(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which homes are shut: a Poisson number of spells of shifted gamma length, up to nine weeks."""
    spells = rng.poisson(_SHUT_PER_YEAR * clock.days / 365.25, homes)
    home = np.repeat(np.arange(homes), spells)
    nights = np.minimum(_SHUT_LEAST_NIGHTS + rng.gamma(2.0, 7.0, home.size), _SHUT_MOST_NIGHTS).astype(np.int64)
    return _spells(rng, homes, clock, home, rng.integers(-nights, clock.days), nights)


def _spells(
    rng: Generator,
    homes: int,
    clock: HalfHours,
    home: NDArray[np.int64],
    day: NDArray[np.int64],
    nights: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Spells of nights, with beta-distributed hours of leaving and coming back."""
    starts = np.r_[clock.starts, clock.starts[-1] + 48 * np.arange(1, 200)]
    leave = starts[np.clip(day, 0, clock.days)] + 20 + np.round(25 * rng.beta(3.2, 1.2, home.size)).astype(np.int64)
    back = starts[np.clip(day + nights, 0, starts.size - 1)] + 12
    back += np.round(30 * rng.beta(1.5, 3.2, home.size)).astype(np.int64)
    return mark_spells(homes, clock.count, home, leave, back)


def _draw_stays(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.bool_]:
    """Half hours in which people are in their second homes: a log-Gaussian chance by weekend, longer in holidays."""
    weekends = np.arange(clock.days // 7) * 7 + (4 - clock.weekday[0]) % 7
    warm = np.cos(2 * np.pi * (clock.day_of_year[weekends] - 200) / 365.25)
    taste = rng.normal(-1.2, 0.5, homes)[:, None] + rng.gamma(2.0, 0.4, homes)[:, None] * warm
    home, weekend = np.nonzero(rng.random((homes, weekends.size)) < 1.0 / (1.0 + np.exp(-taste)))
    day = weekends[weekend]
    is_school = clock.is_school_holiday[np.minimum(day + 3, clock.days - 1)]
    nights = 2 + rng.binomial(1, 0.2, home.size) + is_school * rng.geometric(0.14, home.size)
    return _spells(rng, homes, clock, home, day, nights)
