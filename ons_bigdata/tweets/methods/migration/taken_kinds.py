"""Model of moves in which some last departures from term-time areas were taken for moves of anybody.

A last departure is recognised by a hall or a cluster for study of the user, or by earlier term-time returns. Who has
lived in a house of the town of study, and left it but once in the data, shows neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.tweets.methods.migration.gravity import KINDS, GravityModel, fit_gravity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TAKEN_PRIOR = (1.0, 2.0)
"""Last departures that are taken for moves of anybody, and recognised ones, for which the expected share counts: a
third. In simulated worlds of two million (seeds 15 and 16) it is 127 of 408, from a quarter to a half by generator."""
ROUNDS = 8
_ANYBODY, _DEPARTURE = KINDS.index("move"), KINDS.index("term_end")


class KindFit(NamedTuple):
    """A model, and the moves of users by kind on which it rests."""

    model: GravityModel
    counts: Floats
    """As they were given, with the part of the moves of anybody that is of students among the last departures."""
    taken_share: float
    """Share of the last departures that were taken for moves of anybody."""


def fit_kinds(
    counts: Floats,
    months: Floats,
    residents: Floats,
    students: Floats,
    distance_km: Floats,
    official: Floats | None = None,
) -> KindFit:
    """Fit rates of moves to the counts of moves of users, some of whose last departures are not known as such.

    Arguments and errors as for `fit_gravity`. A share ρ of the last departures from term-time areas is among the moves
    of anybody. Like the recognised ones they come in the months in which terms end, from areas with many students, and
    go farther than other moves. So a move of anybody from i to j in a month is one of them with the chance
    c · e_2 / (c · e_2 + e_0), with c = ρ / (1 − ρ); e_2 are the recognised last departures that the model expects
    there, e_0 the moves of anybody. Chances, ρ (with the prior `TAKEN_PRIOR`) and the model are found in turn, `ROUNDS`
    times; the decay with distance of each round has the effects of the areas of the one before. Without moves of both
    kinds ρ is 0.

    Source: expectation maximisation of a mixture, Dempster, Laird & Rubin, JRSS B 39 (1977) 1–38.
    """
    model = fit_gravity(counts, months, residents, students, distance_km, official)
    anybody, recognised = counts[:, _ANYBODY], float(counts[:, _DEPARTURE].sum())
    is_mixed = recognised > 0 and bool(anybody.any())
    share = TAKEN_PRIOR[0] / sum(TAKEN_PRIOR) if is_mixed else 0.0
    moved = counts
    for _ in range(ROUNDS):
        if is_mixed:
            taken = anybody * _chance_taken(model, months, recognised * share / (1 - share))
            share = (float(taken.sum()) + TAKEN_PRIOR[0]) / (float(taken.sum()) + recognised + sum(TAKEN_PRIOR))
            moved = counts.copy()
            moved[:, _ANYBODY] -= taken
            moved[:, _DEPARTURE] += taken
        model = fit_gravity(moved, months, residents, students, distance_km, official, model.effects)
    return KindFit(model, moved, share)


def _chance_taken(model: GravityModel, months: Floats, expected: float) -> Floats:
    """Chance that a move of anybody is a last departure, if so many of these are expected among them.

    Months × origins × destinations.
    """
    of_kind = np.eye(len(KINDS))[:, :, None] * np.ones(months.shape[1])
    moves, departures = (model.expected(months, of_kind[kind]) for kind in (_ANYBODY, _DEPARTURE))
    departures *= expected / max(departures.sum(), np.finfo(float).tiny)
    total = moves + departures
    return np.divide(departures, total, out=np.zeros_like(total), where=total > 0)
