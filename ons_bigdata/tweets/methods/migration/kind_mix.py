"""Mix of kinds of moves: first arrivals at term-time addresses and last departures from them for each other move.

Users are younger than residents and are more often students, and moves of students are detected more often than those
of anybody. So the mix of users' moves is not that of residents. Official moves of an earlier year by age bound it: only
young people move to and from term-time addresses.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from ons_bigdata.tweets.methods.residence.term_time import VACATIONS

if TYPE_CHECKING:
    from numpy.random import Generator

STUDENT_PART = 0.5
"""Part of the official moves of ages 18–25 that is to or from a term-time address for the first or last time.

It is the middle of two bounds from official moves of 2013 by year of age (test): were the other moves of these ages as
frequent as those of ages 26–35 it would be 0.32, as frequent as those below 18, who move with their parents, 0.75."""
OFFICIAL_SPREAD = (0.3, 1.0)
"""Standard deviation of the logarithm of the mix around the official one that is expected, and that of its logarithm.

The bounds of `STUDENT_PART` are a factor of 2.7 apart in the mix: four deviations of 0.25. The rest is for seasons."""
USERS_SPREAD = float(np.log(2.0))
"""Standard deviation of the logarithm of the mix of users around that of residents: half of it, or twice as much."""
DAYS_PER_YEAR = 365.25
_LOG_SPREADS = (-4.0, 3.0)


class KindMix(NamedTuple):
    """Moves of students (first arrivals, last departures) of residents as a multiple of those that users lead to."""

    factor: float
    error: float
    """Standard deviation of the logarithm of the factor."""

    def drawn(self, random: Generator) -> float:
        """Factor drawn from its uncertainty."""
        return float(self.factor * np.exp(random.normal(0.0, self.error)))


def term_years(first_date: date, last_date: date) -> tuple[float, float]:
    """Academic years of which the first arrivals, and of which the last departures, lie between two days, with these.

    Arrivals are spread evenly over the days in which students return from the summer vacation, departures over those in
    which they leave for it (`VACATIONS`).
    """
    summer = VACATIONS[0]
    last_day = last_date + timedelta(days=1)
    found = []
    for first, last in ((summer.first_back, summer.last_back), (summer.first_leave, summer.last_leave)):
        years = 0.0
        for year in range(first_date.year, last_date.year + 1):
            begin, end = date(year, *first), date(year, *last) + timedelta(days=1)
            inside = (min(end, last_day) - max(begin, first_date)).days
            years += max(inside, 0) / (end - begin).days
        found.append(years)
    return found[0], found[1]


def official_mix(student_ages: float, other_ages: float, first_date: date, last_date: date) -> float:
    """Mix that official moves of a year lead one to expect of a period: moves of students for each other move.

    `student_ages`, `other_ages`: moves of ages 18–25 and of all others in a year. A part `STUDENT_PART` of the former
    is moves of students, half of these first arrivals and half last departures, which come once in an academic year
    (`term_years`); the rest comes evenly all year. 0 if the period has neither arrivals nor departures.
    """
    moves = other_ages + (1 - STUDENT_PART) * student_ages
    if not moves > 0:
        return 0.0
    of_students = STUDENT_PART * student_ages * sum(term_years(first_date, last_date)) / 2
    return of_students / (moves * ((last_date - first_date).days + 1) / DAYS_PER_YEAR)


def fit_mix(users: float, variance: float, official: float) -> KindMix:
    """Factor that carries the mix of users to that of residents.

    `users`, `official`: moves of students for each other move, by the moves of users and by official figures;
    `variance`: that of the logarithm of the former by the number of moves alone.

    The logarithm of the true mix is normal around both: around that of users by `USERS_SPREAD` and chance, around the
    official one by a spread that makes the distance of both, and itself by `OFFICIAL_SPREAD`, most likely. So official
    figures that are far from what users do count little. Without a mix of users or an official one (0) the factor is 1.

    Source: made for this project; the spread by empirical Bayes, as in Clayton & Kaldor, Biometrics 43 (1987) 671–681.
    """
    if not (users > 0 and official > 0):
        return KindMix(1.0, 0.0)
    distance, around_users = float(np.log(official / users)), USERS_SPREAD**2 + variance
    expected, width = OFFICIAL_SPREAD

    def loss(log_spread: float) -> float:
        total = np.exp(2 * log_spread) + around_users
        off = (log_spread - np.log(expected)) / width
        return float(0.5 * (np.log(total) + distance**2 / total + off**2))

    around_official = float(np.exp(2 * minimize_scalar(loss, bounds=_LOG_SPREADS, method="bounded").x))
    weight = around_users / (around_users + around_official)
    return KindMix(float(np.exp(weight * distance)), (weight * around_official) ** 0.5)
