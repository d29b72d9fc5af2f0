"""Spells of living at an address: homes and their changes, terms of students, holidays; and the moves between them.

Dates are days since the first day of the world until `build_world` turns them into calendar dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("home", "parental", "term", "holiday")
"""Kinds of spells: the home; the parents' home of a student between terms; the address in term; a stay as a visitor."""
HOME, PARENTAL, TERM, HOLIDAY = range(len(KINDS))
MOVE_KINDS = ("move", "term_start", "term_end", "trip")
_DAY_BITS = 22


@dataclass(frozen=True)
class Intervals:
    """Stays of persons at addresses: half-open ranges of days, which do not overlap for a person."""

    person: NDArray[np.int64]
    """Row of the person."""
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    address: NDArray[np.int64]
    """Row of the address."""
    kind: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_]) -> Intervals:
        """Those of a mask."""
        return Intervals(self.person[mask], self.start[mask], self.end[mask], self.address[mask], self.kind[mask])

    def sorted(self) -> Intervals:
        """By person and start."""
        order = np.lexsort((self.start, self.person))
        return Intervals(self.person[order], self.start[order], self.end[order], self.address[order], self.kind[order])


def overlay(layers: list[Intervals], *, persons: int, days: int) -> Intervals:
    """Spells of every person from day 0 to the last: of several intervals on a day, that of the last layer holds.

    The first layer must cover every day of every person. Neighbouring spells at one address and of one kind are one.
    """
    keys = [np.arange(persons) * (days + 1)]
    for layer in layers:
        for bound in (layer.start, layer.end):
            inside = (bound > 0) & (bound < days)
            keys.append(layer.person[inside] * (days + 1) + bound[inside])
    key = np.unique(np.concatenate(keys))
    person, start = key // (days + 1), key % (days + 1)
    address = np.full(key.size, -1, dtype=np.int64)
    kind = np.full(key.size, -1, dtype=np.int64)
    for layer in layers:
        rows = find_interval(layer, person, start)
        held = rows >= 0
        address[held], kind[held] = layer.address[rows[held]], layer.kind[rows[held]]
    if (address < 0).any():
        row = int(np.argmax(address < 0))
        raise ValueError(f"person {person[row]} lives nowhere on day {start[row]}; the first layer must cover all days")
    is_new = np.r_[True, (person[1:] != person[:-1]) | (address[1:] != address[:-1]) | (kind[1:] != kind[:-1])]
    person, start, address, kind = person[is_new], start[is_new], address[is_new], kind[is_new]
    end = np.where(np.r_[person[1:] == person[:-1], False], np.r_[start[1:], 0], days)
    return Intervals(person, start, end, address, kind)


def find_interval(spells: Intervals, person: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the interval of each person on each day; −1 where there is none. Intervals sorted by person and start."""
    if not spells.person.size:
        return np.full(person.size, -1, dtype=np.int64)
    rows = np.searchsorted(_keys(spells.person, spells.start), _keys(person, day), side="right") - 1
    found = np.maximum(rows, 0)
    held = (rows >= 0) & (spells.person[found] == person) & (spells.end[found] > day)
    return np.where(held, rows, -1)


def _keys(person: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integers in the order of person and day; days may be negative."""
    return (person << _DAY_BITS) + day + (1 << (_DAY_BITS - 1))


def undisturbed(visits: Intervals, residence: Intervals) -> Intervals:
    """Visits that lie within one spell of living, with at least a day of it before and after."""
    rows = find_interval(residence, visits.person, visits.start - 1)
    return visits.where((visits.start > 0) & (rows >= 0) & (visits.end < residence.end[rows]))


def moves_between(spells: Intervals, student_end: NDArray[np.int64]) -> pl.DataFrame:
    """Changes of spell: person (row), from_address, to_address (rows), day, kind, is_residence_change.

    `student_end` is the day on which each person's studies end. Kinds: `trip` to and from a stay as a visitor,
    `term_start` to an address in term, `term_end` from there to the parents or back home at the end of the studies,
    `move` everything else. Usual residence is the address in term as long as somebody studies, as official estimates
    have it: the first start of term changes it, and so do the end of the studies and a move; a move of a student's
    parents does not, nor does another address in the same town after the holidays.
    """
    follows = np.flatnonzero(np.r_[False, spells.person[1:] == spells.person[:-1]])
    before, after = spells.kind[follows - 1], spells.kind[follows]
    trip = (before == HOLIDAY) | (after == HOLIDAY)
    term_start = ~trip & (after == TERM) & (before != TERM)
    term_end = ~trip & (before == TERM) & (after != TERM)
    kind = np.select([trip, term_start, term_end], [3, 1, 2], default=0)
    day = spells.start[follows]
    is_change = np.select(
        [trip, term_start, term_end],
        [False, before == HOME, day >= student_end[spells.person[follows]]],
        default=(spells.address[follows] != spells.address[follows - 1]) & (after != PARENTAL),
    )
    return pl.DataFrame(
        {
            "person": spells.person[follows],
            "from_address": spells.address[follows - 1],
            "to_address": spells.address[follows],
            "day": day,
            "kind": pl.Series(np.array(MOVE_KINDS)[kind]),
            "is_residence_change": is_change,
        }
    )
