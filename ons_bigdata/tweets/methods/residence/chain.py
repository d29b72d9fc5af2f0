"""Chain of residences: which of a user's candidate areas the user lives in, day by day, given the areas visited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_AREAS = 8
"""Candidate areas of a user that are told apart."""
START_PARTS = 5
"""Parts of a user's days in which the first background of an area is looked for."""
ROUNDS = 4
"""Rounds in which background and residence are estimated in turn."""
BACKGROUND_PRIOR = (0.1, 5.0)
"""Background of an area that is hardly known, and the days for which it counts."""
BACKGROUND_BOUNDS = (0.05, 0.5)
"""Least and largest background of an area."""


@dataclass(frozen=True)
class ResidenceChain:
    """Parameters of the chain: rates of moves and trips, and what shows of them.

    A user lives in one area and is there or away. `moves_per_year`: changes of residence, to any other area alike;
    `term_changes_per_year`: further ones between a term-time area and another, of users who have both; `trips_per_year`
    and `trip_days`: how often a trip to another area begins, and its mean length. On a day with events a user visits
    the area in which the user is with probability `share_at_home`, the residence while away from it with 1 −
    `share_away`, and any other area with the probability of its background. The background of an area is estimated for
    each user, in turn with the residence (`ROUNDS` times): the share of days with a visit among those on which the
    residence is elsewhere, towards `BACKGROUND_PRIOR` where they are few, and within `BACKGROUND_BOUNDS`.
    """

    moves_per_year: float = 0.15
    term_changes_per_year: float = 1.0
    trips_per_year: float = 8.0
    trip_days: float = 4.0
    share_at_home: float = 0.6
    share_away: float = 0.95

    def __post_init__(self) -> None:
        """Raise ValueError if a parameter is out of bounds."""
        if not (np.isfinite(self.term_changes_per_year) and self.term_changes_per_year >= 0):
            message = f"term_changes_per_year is {self.term_changes_per_year}; expected a number of 0 or more"
            raise ValueError(message)
        for name in ("moves_per_year", "trips_per_year", "trip_days"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                message = f"{name} is {getattr(self, name)}; expected a positive number"
                raise ValueError(message)
        for name in ("share_at_home", "share_away"):
            if not 0.5 <= getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}; expected at least 0.5 and less than 1"
                raise ValueError(message)

    def residences(
        self,
        users: NDArray[np.int64],
        days: NDArray[np.int64],
        visited: NDArray[np.bool_],
        areas: NDArray[np.int64],
        term: NDArray[np.bool_] | None = None,
        rounds: int = ROUNDS,
    ) -> NDArray[np.float64]:
        """Probability of each candidate area to be the residence on each row's day, given all days of its user.

        Rows are a user's days with visits, sorted by user and day: `users` number of the user, `days` day number,
        `visited` (rows × areas) the candidate areas visited, `areas` their number (the first so many columns),
        `term` (rows × areas, alike in all rows of a user) the candidate areas in which the user lives in term time,
        none by default, `rounds` those in which background and residence are estimated. Returns rows × columns, each
        row adding up to 1.

        Source: forward-backward algorithm and its use in estimation, Rabiner, Proceedings of the IEEE 77 (1989)
        257–286, with transitions that depend on the days between two rows.
        """
        starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if len(users) else np.empty(0, np.int64)
        bounds = np.r_[starts, len(users)].astype(np.int64)
        columns = visited.shape[1]
        most_rows = int(np.diff(bounds).max(initial=0))
        result = np.zeros((len(users), columns))
        _residences(
            bounds,
            days.astype(np.int64),
            np.ascontiguousarray(visited),
            areas.astype(np.int64),
            np.zeros_like(visited) if term is None else np.ascontiguousarray(term),
            (
                self.moves_per_year / 365.25,
                self.trips_per_year / 365.25,
                1 / self.trip_days,
                self.term_changes_per_year / 365.25,
            ),
            (self.share_at_home, self.share_away),
            START_PARTS,
            BACKGROUND_BOUNDS,
            BACKGROUND_PRIOR,
            rounds,
            (np.empty(columns), np.empty((most_rows, 2 * columns)), np.empty((most_rows + 2, 2 * columns))),
            result,
        )
        return result


# In the compiled functions, arrays are read and written by index alone and are passed on whole: each array expression,
# reduction and view is another function or type to compile, which takes longer than the computation.
compiled = njit(cache=True, error_model="numpy")


@compiled
def _background(visited, first, last, area, parts, least, most):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Share of days with a visit to an area in that part of a user's days in which it is smallest, within bounds."""
    smallest = most
    for part in range(parts):
        begin = first + (last - first) * part // parts
        end = first + (last - first) * (part + 1) // parts
        if end > begin:
            visits = 0
            for row in range(begin, end):
                visits += visited[row, area]
            smallest = min(smallest, visits / (end - begin))
    return max(smallest, least)


@compiled
def _emissions(visited, day, areas, background, share_home, share_away, emitted, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Probability of a day's visits in each state, over that if each area were visited as often as in the background.

    Who is away is at one of the other areas, all alike.
    """
    total = 0.0
    for area in range(areas):
        if visited[day, area]:
            emitted[row, area] = share_home / background[area]
        else:
            emitted[row, area] = (1 - share_home) / (1 - background[area])
        total += emitted[row, area]
    for home in range(areas):
        absent = (1 - share_away) / background[home] if visited[day, home] else share_away / (1 - background[home])
        emitted[row, areas + home] = absent * (total - emitted[row, home]) / (areas - 1)


@compiled
def _scale(values, row, states):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Divide a row by its sum."""
    total = 0.0
    for state in range(states):
        total += values[row, state]
    for state in range(states):
        values[row, state] /= total


@compiled
def _step(chain, source, target, areas, terms, term_row, gap, rates):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """One step of the chain over `gap` days: of probabilities to a later row, or of likelihoods to an earlier one.

    Columns 0 … areas−1 are the residences at which the user is, then those from which the user is away. Who has moved
    is at the new residence, or on a trip from it. `terms[term_row]`: areas of term time.
    """
    is_forward = source < target  # a constant argument would be compiled twice
    move, leave, back, change = rates
    of_term = 0
    for area in range(areas):
        of_term += terms[term_row, area]
    if of_term in {0, areas}:
        change = 0.0
    moved = 1 - np.exp(-(move + change) * gap)
    to_other = moved * move / (move + change) / (areas - 1)
    to_term = moved * change / (move + change) / max(of_term, 1)
    from_term = moved * change / (move + change) / max(areas - of_term, 1)
    mixed = 1 - np.exp(-(leave + back) * gap)
    there_away, away_there = mixed * leave / (leave + back), mixed * back / (leave + back)
    total, total_term = 0.0, 0.0
    for area in range(areas):
        there, away = chain[source, area], chain[source, areas + area]
        mass = there + away if is_forward else (1 - there_away) * there + there_away * away
        total += mass
        if terms[term_row, area]:
            total_term += mass
    for area in range(areas):
        there, away = chain[source, area], chain[source, areas + area]
        if is_forward:
            arrived = (total - there - away) * to_other
            arrived += (total - total_term) * to_term if terms[term_row, area] else total_term * from_term
            stayed = there * (1 - there_away) + away * away_there
            stayed_away = there * there_away + away * (1 - away_there)
            chain[target, area] = (1 - moved) * stayed + arrived * (1 - there_away)
            chain[target, areas + area] = (1 - moved) * stayed_away + arrived * there_away
        else:
            after = (1 - there_away) * there + there_away * away
            others = to_other * (total - after)
            others += from_term * (total - total_term) if terms[term_row, area] else to_term * total_term
            chain[target, area] = (1 - moved) * after + others
            chain[target, areas + area] = (1 - moved) * (away_there * there + (1 - away_there) * away) + others


@compiled
def _smoothed(days, visited, first, last, areas, terms, background, rates, shares, emitted, chain, result):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917
    """Probability of each area to be the residence on each day of one user: forward-backward, into `result`.

    `emitted` and `chain` have room for the rows of the user, `chain` for two more: the likelihoods of the days after a
    row, and the same with those of the row itself.
    """
    rows, states = last - first, 2 * areas
    leave, back = rates[1], rates[2]
    after, seen = rows, rows + 1
    for row in range(rows):
        _emissions(visited, first + row, areas, background, shares[0], shares[1], emitted, row)
        if row:
            gap = float(days[first + row] - days[first + row - 1])
            _step(chain, row - 1, row, areas, terms, first, gap, rates)
        else:
            for home in range(areas):
                chain[0, home] = back / (leave + back)
                chain[0, areas + home] = leave / (leave + back)
        for state in range(states):
            chain[row, state] *= emitted[row, state]
        _scale(chain, row, states)
    for state in range(states):
        chain[after, state] = 1.0
    for row in range(rows - 1, -1, -1):
        for home in range(areas):
            away = areas + home
            result[first + row, home] = chain[row, home] * chain[after, home] + chain[row, away] * chain[after, away]
        _scale(result, first + row, areas)
        if row:
            for state in range(states):
                chain[seen, state] = emitted[row, state] * chain[after, state]
            _scale(chain, seen, states)
            gap = float(days[first + row] - days[first + row - 1])
            _step(chain, seen, after, areas, terms, first, gap, rates)


@compiled
def _residences(starts, days, visited, counts, terms, rates, shares, start_parts, bounds, prior, rounds, room, result):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0917, PLR0913
    """Probabilities of the areas on the days of all users, into `result`; `room` are arrays to compute in."""
    background, emitted, chain = room
    for user in range(len(starts) - 1):
        first, last = starts[user], starts[user + 1]
        areas = counts[first]
        if areas == 1:
            for row in range(first, last):
                result[row, 0] = 1.0
            continue
        for area in range(areas):
            background[area] = _background(visited, first, last, area, start_parts, bounds[0], bounds[1])
        for number in range(rounds):
            _smoothed(days, visited, first, last, areas, terms, background, rates, shares, emitted, chain, result)
            if number == rounds - 1:
                break
            for area in range(areas):
                away, seen = prior[1], prior[0] * prior[1]
                for row in range(first, last):
                    away += 1 - result[row, area]
                    if visited[row, area]:
                        seen += 1 - result[row, area]
                background[area] = min(max(seen / away, bounds[0]), bounds[1])
