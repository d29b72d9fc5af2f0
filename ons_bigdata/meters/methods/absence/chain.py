"""Absent days by a hidden chain of days: present, absent, and empty for long, with emissions pooled over all meters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics, day_total
from ons_bigdata.meters.methods.absence.features import profile_correlation
from ons_bigdata.meters.methods.absence.rule import baseline

OBSERVATIONS = ("log_total_to_baseline", "log_third_largest", "log_active_sd", "spikes", "correlation")
STATES = ("present", "absent_1", "absent_2", "empty")
"""An absence is passed in two phases, so that its length has a mode; an empty home stays so for long."""
SMALL_KWH = 0.01

Floats = np.ndarray
Integers = np.ndarray


@dataclass(frozen=True)
class DayChain:
    """Chain of days. Emissions are Student t, of independent observations, one set for present, absent and empty.

    `location`, `scale`: 3 × `OBSERVATIONS`. `freedom`: degrees of freedom. `leave`: probability of an absence to begin
    after a present day. `phase_end`: that a phase of an absence ends with a day. `become_empty`: probability that a
    present day is followed by a long emptiness; `empty_end`: that this ends. `share_empty`: of first days.
    """

    location: Floats
    scale: Floats
    freedom: float
    leave: float
    phase_end: float
    become_empty: float
    empty_end: float
    share_empty: float

    def transitions(self) -> Floats:
        """Probabilities from state to state, of `STATES`."""
        stay = 1 - self.leave - self.become_empty
        # A fifth of absences are of a single day: they begin in the second phase.
        return np.array(
            [
                [stay, 0.8 * self.leave, 0.2 * self.leave, self.become_empty],
                [0.0, 1 - self.phase_end, self.phase_end, 0.0],
                [self.phase_end, 0.0, 1 - self.phase_end, 0.0],
                [self.empty_end, 0.0, 0.0, 1 - self.empty_end],
            ]
        )

    def start(self) -> Floats:
        """Probabilities of the states on the first day of a meter."""
        away = (1 - self.share_empty) * self.leave / (self.leave + self.phase_end / 2)
        return np.array([1 - self.share_empty - away, away / 2, away / 2, self.share_empty])


def day_observations(statistics: DayStatistics, peer_floor_kwh: float) -> Floats:
    """Observations of each day, days × `OBSERVATIONS`; NaN on days that cannot be judged.

    log(t / B), log(third-largest half hour from 06:00 to 23:30 + .01), log(their standard deviation + .01), both less
    their lifetime median on days of usual total, log(1 + e_d), and the correlation with the meter's median profile.
    """
    total = day_total(statistics)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(np.maximum(total, 0.01) / baseline(statistics, peer_floor_kwh))
        third = np.log(np.maximum(statistics["third_largest"], 0) + SMALL_KWH)
        spread = np.log(statistics["active_sd"] + SMALL_KWH)
    floor = math.log(0.1)
    third -= np.fmax(statistics.lifetime_quantile(third, 0.6), floor)
    spread -= np.fmax(statistics.lifetime_quantile(spread, 0.6), floor)
    columns = (np.clip(ratio, -5, 3), third, spread, np.log1p(statistics.spikes), profile_correlation(statistics))
    return np.column_stack(columns)


def absence_probabilities(chain: DayChain, observations: Floats, first_row: Integers) -> Floats:
    """Probability that each day is absent or empty, by forward and backward recursion.

    A day without observations has that of its neighbours.

    """
    return forward_backward(_log_emissions(chain, observations), chain.transitions(), chain.start(), first_row)


def _log_emissions(chain: DayChain, observations: Floats) -> Floats:
    """Log likelihoods of the states of each day, 0 without observations."""
    freedom = chain.freedom
    result = np.zeros((len(observations), len(STATES)))
    for state, kind in enumerate((0, 1, 1, 2)):
        scaled = (observations - chain.location[kind]) / chain.scale[kind]
        terms = -0.5 * (freedom + 1) * np.log1p(scaled**2 / freedom) - np.log(chain.scale[kind])
        # Observations of a day depend on each other; half of their evidence is taken.
        result[:, state] = 0.5 * np.where(np.isnan(terms), 0, terms).sum(axis=1)
    return result


@njit(cache=True)
def forward_backward(log_emissions: Floats, transitions: Floats, start: Floats, first_row: Integers) -> Floats:
    """1 - P(state 0) of each row, by meter."""
    states = transitions.shape[0]
    result = np.empty(log_emissions.shape[0])
    for meter in range(len(first_row) - 1):
        begin, end = first_row[meter], first_row[meter + 1]
        forward = np.empty((end - begin, states))
        emission = np.empty((end - begin, states))
        for row in range(end - begin):
            highest = log_emissions[begin + row].max()
            emission[row] = np.exp(log_emissions[begin + row] - highest)
            for state in range(states):
                if row == 0:
                    before = start[state]
                else:
                    before = 0.0
                    for earlier in range(states):
                        before += forward[row - 1, earlier] * transitions[earlier, state]
                forward[row, state] = before * emission[row, state]
            forward[row] /= forward[row].sum()
        backward = np.ones(states)
        for row in range(end - begin - 1, -1, -1):
            both = forward[row] * backward
            result[begin + row] = 1 - both[0] / both.sum()
            earlier_backward = np.zeros(states)
            for earlier in range(states):
                for state in range(states):
                    earlier_backward[earlier] += transitions[earlier, state] * emission[row, state] * backward[state]
            backward = earlier_backward / earlier_backward.sum()
    return result


def fit_day_chain(observations: Floats, absent: np.ndarray, is_long: np.ndarray, first_row: Integers) -> DayChain:
    """Chain of labelled days of many meters: `absent` days, of which `is_long` belong to spells of more than 60 days.

    Locations are medians and scales 1.4826 × median absolute deviation, at least 0.1, so that few wrong labels do
    not matter. Probabilities are counted.
    """
    known = ~np.isnan(observations).any(axis=1)
    kinds = (known & ~absent, known & absent & ~is_long, known & absent & is_long)
    location = np.stack([np.median(observations[kind], axis=0) for kind in kinds])
    spread = [np.median(np.abs(observations[kind] - np.median(observations[kind], axis=0)), axis=0) for kind in kinds]
    away = absent & ~is_long
    inner = np.ones(len(absent), dtype=bool)
    inner[first_row[:-1]] = False
    later = np.flatnonzero(inner)
    earlier = later - 1
    stays = (~absent[earlier]).sum()
    leaves = (~absent[earlier] & away[later]).sum() / stays
    ends = (away[earlier] & ~absent[later]).sum() / away[earlier].sum()
    return DayChain(
        location=location,
        scale=np.maximum(1.4826 * np.stack(spread), 0.1),
        freedom=4.0,
        leave=float(leaves),
        phase_end=float(min(1.8 * ends, 0.9)),
        become_empty=float(max((~absent[earlier] & is_long[later]).sum() / stays, 1e-5)),
        empty_end=float(max((is_long[earlier] & ~is_long[later]).sum() / max(is_long[earlier].sum(), 1), 1e-4)),
        share_empty=float(np.clip(is_long[first_row[:-1]].mean(), 0.01, 0.2)),
    )
