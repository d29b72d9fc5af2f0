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
    ) -> NDArray[np.float64]:
        """Probability of each candidate area to be the residence on each row's day, given all days of its user.

        Rows are a user's days with visits, sorted by user and day: `users` number of the user, `days` day number,
        `visited` (rows × areas) the candidate areas visited, `areas` their number (the first so many columns),
        `term` (rows × areas, alike in all rows of a user) the candidate areas in which the user lives in term time,
        none by default. Returns rows × columns, each row adding up to 1.

        Source: forward-backward algorithm and its use in estimation, Rabiner, Proceedings of the IEEE 77 (1989)
        257–286, with transitions that depend on the days between two rows.
        """
        starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if len(users) else np.empty(0, np.int64)
        return _residences(
            np.r_[starts, len(users)].astype(np.int64),
            days.astype(np.int64),
            visited,
            areas.astype(np.int64),
            np.zeros_like(visited) if term is None else term,
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
            ROUNDS,
        )


@njit(cache=True)
def _background(visited, first, last, area, parts, least, most):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Share of days with a visit to an area in that part of a user's days in which it is smallest, within bounds."""
    smallest = most
    for part in range(parts):
        begin = first + (last - first) * part // parts
        end = first + (last - first) * (part + 1) // parts
        if end > begin:
            smallest = min(smallest, visited[begin:end, area].sum() / (end - begin))
    return max(smallest, least)


@njit(cache=True)
def _emissions(visited, row, areas, background, share_home, share_away, emitted):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Probability of a day's visits in each state, over that if each area were visited as often as in the background.

    Who is away is at one of the other areas, all alike.
    """
    total = 0.0
    for area in range(areas):
        if visited[row, area]:
            emitted[area] = share_home / background[area]
        else:
            emitted[area] = (1 - share_home) / (1 - background[area])
        total += emitted[area]
    for home in range(areas):
        absent = (1 - share_away) / background[home] if visited[row, home] else share_away / (1 - background[home])
        emitted[areas + home] = absent * (total - emitted[home]) / (areas - 1)


@njit(cache=True)
def _step(source, target, areas, term, gap, rates, is_forward):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """One step of the chain over `gap` days: of probabilities forward, or of likelihoods backward.

    Columns 0 … areas−1 are the residences at which the user is, then those from which the user is away. Who has moved
    is at the new residence, or on a trip from it.
    """
    move, leave, back, change = rates
    of_term = 0
    for area in range(areas):
        of_term += term[area]
    if of_term in {0, areas}:
        change = 0.0
    moved = 1 - np.exp(-(move + change) * gap)
    to_other = moved * move / (move + change) / (areas - 1)
    to_term = moved * change / (move + change) / max(of_term, 1)
    from_term = moved * change / (move + change) / max(areas - of_term, 1)
    mixed = 1 - np.exp(-(leave + back) * gap)
    there_away, away_there = mixed * leave / (leave + back), mixed * back / (leave + back)
    total, total_term = 0.0, 0.0
    if is_forward:
        for area in range(areas):
            total += source[area] + source[areas + area]
            if term[area]:
                total_term += source[area] + source[areas + area]
        for area in range(areas):
            there, away = source[area], source[areas + area]
            arrived = (total - there - away) * to_other
            arrived += (total - total_term) * to_term if term[area] else total_term * from_term
            target[area] = (1 - moved) * (there * (1 - there_away) + away * away_there) + arrived * (1 - there_away)
            target[areas + area] = (1 - moved) * (there * there_away + away * (1 - away_there)) + arrived * there_away
    else:
        for area in range(areas):
            after = (1 - there_away) * source[area] + there_away * source[areas + area]
            total += after
            if term[area]:
                total_term += after
        for area in range(areas):
            there, away = source[area], source[areas + area]
            after = (1 - there_away) * there + there_away * away
            others = to_other * (total - after)
            others += from_term * (total - total_term) if term[area] else to_term * total_term
            target[area] = (1 - moved) * after + others
            target[areas + area] = (1 - moved) * (away_there * there + (1 - away_there) * away) + others


@njit(cache=True)
def _smoothed(days, visited, areas, term, background, rates, shares, result):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Probability of each area to be the residence on each day of one user: forward-backward, into `result`."""
    rows, states = len(days), 2 * areas
    leave, back = rates[1], rates[2]
    forward = np.zeros((rows, states))
    emitted = np.zeros((rows, states))
    for row in range(rows):
        _emissions(visited, row, areas, background, shares[0], shares[1], emitted[row])
    for home in range(areas):
        forward[0, home] = back / (leave + back)
        forward[0, areas + home] = leave / (leave + back)
    forward[0] *= emitted[0]
    forward[0] /= forward[0].sum()
    for row in range(1, rows):
        _step(forward[row - 1], forward[row], areas, term, float(days[row] - days[row - 1]), rates, True)
        forward[row] *= emitted[row]
        forward[row] /= forward[row].sum()
    after = np.ones(states)
    for row in range(rows - 1, -1, -1):
        total = 0.0
        for home in range(areas):
            result[row, home] = forward[row, home] * after[home] + forward[row, areas + home] * after[areas + home]
            total += result[row, home]
        for home in range(areas):
            result[row, home] /= total
        if row:
            seen = emitted[row] * after
            seen /= seen.sum()
            _step(seen, after, areas, term, float(days[row] - days[row - 1]), rates, False)


@njit(cache=True)
def _residences(starts, days, visited, counts, terms, rates, shares, start_parts, bounds, prior, rounds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0917, PLR0913
    result = np.zeros((len(days), visited.shape[1]))
    for user in range(len(starts) - 1):
        first, last = starts[user], starts[user + 1]
        areas = counts[first]
        if areas == 1:
            result[first:last, 0] = 1.0
            continue
        background = np.zeros(areas)
        for area in range(areas):
            background[area] = _background(visited, first, last, area, start_parts, bounds[0], bounds[1])
        for number in range(rounds):
            _smoothed(
                days[first:last],
                visited[first:last],
                areas,
                terms[first],
                background,
                rates,
                shares,
                result[first:last],
            )
            if number == rounds - 1:
                break
            for area in range(areas):
                away, seen = prior[1], prior[0] * prior[1]
                for row in range(first, last):
                    away += 1 - result[row, area]
                    if visited[row, area]:
                        seen += 1 - result[row, area]
                background[area] = min(max(seen / away, bounds[0]), bounds[1])
    return result
