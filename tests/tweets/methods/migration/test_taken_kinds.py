"""Last departures that were taken for moves of anybody: recovered from drawn moves, by hand, and what they leave."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from ons_bigdata.tweets.methods.migration.gravity import KINDS, fit_gravity
from ons_bigdata.tweets.methods.migration.taken_kinds import TAKEN_PRIOR, fit_kinds

Floats = NDArray[np.float64]
SIZE, MONTHS = 20, 7
RATE_A_KM = {"move": 0.015, "term_start": 0.005, "term_end": 0.005}


class Drawn(NamedTuple):
    """Moves of users: months × kinds × areas × areas, and the other arguments of the fit."""

    counts: Floats
    arguments: tuple[Floats, Floats, Floats, Floats]


def draw(seed: int, moves: int, departures: int) -> Drawn:
    """Moves of anybody all year, arrivals in the sixth month, departures from towns of study in the third."""
    random = np.random.default_rng(seed)
    place = random.uniform(0, 500, (SIZE, 2))
    apart = np.hypot(*(place[:, None] - place[None, :]).transpose(2, 0, 1))
    residents = random.uniform(1e5, 5e5, SIZE)
    students = np.where(np.arange(SIZE) < SIZE // 4, 0.2, 0.01)
    counts = np.zeros((MONTHS, len(KINDS), SIZE, SIZE))
    drawn = {"move": (moves, range(MONTHS)), "term_start": (departures, [5]), "term_end": (departures, [2])}
    for kind, (number, season) in drawn.items():
        drawing = residents * students if kind == "term_start" else residents
        chances = drawing[None, :] * np.exp(-RATE_A_KM[kind] * apart) * ~np.eye(SIZE, dtype=bool)
        leaving = residents * students if kind == "term_end" else residents
        shares = chances / chances.sum(axis=1, keepdims=True) * (leaving / leaving.sum())[:, None]
        for month in season:
            counts[month, KINDS.index(kind)] = random.multinomial(number // len(season), shares.ravel()).reshape(
                SIZE, SIZE
            )
    months = np.tile(residents / 1000, (MONTHS, 1))
    return Drawn(counts, (months, residents, students, apart))


def taken(drawn: Drawn, share: float, seed: int) -> tuple[Floats, Floats]:
    """Counts in which a share of the last departures is among the moves of anybody, and these departures."""
    departures = drawn.counts[:, KINDS.index("term_end")]
    part = np.random.default_rng(seed).binomial(departures.astype(np.int64), share).astype(float)
    counts = drawn.counts.copy()
    counts[:, KINDS.index("term_end")] -= part
    counts[:, KINDS.index("move")] += part
    return counts, part


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_departures_among_moves_of_anybody_are_found(share: float) -> None:
    """Their number, where they are, and the decay with distance of the other moves."""
    drawn = draw(1, moves=1_400, departures=300)
    counts, part = taken(drawn, share, 2)
    fit = fit_kinds(counts, *drawn.arguments)
    moved = fit.counts[:, KINDS.index("term_end")] - counts[:, KINDS.index("term_end")]
    assert fit.taken_share == pytest.approx(share, abs=0.1)
    assert moved.sum() == pytest.approx(part.sum(), abs=35)
    assert moved[2].sum() > 0.85 * moved.sum()  # in the month of departures
    plain = fit_gravity(drawn.counts, *drawn.arguments).decay[0]
    mixed = fit_gravity(counts, *drawn.arguments).decay[0]
    assert mean_km(fit.model.decay[0], drawn) == pytest.approx(mean_km(plain, drawn), rel=0.05)
    if share == 0.5:
        assert mean_km(mixed, drawn) > 1.06 * mean_km(plain, drawn)


def mean_km(decay: Floats, drawn: Drawn) -> float:
    """Mean distance of moves to residents with a decay: power and rate hang together too much to be compared."""
    _, residents, _, apart = drawn.arguments
    far = np.maximum(apart, 1.0)
    weights = residents[:, None] * residents[None, :] * far ** -decay[0] * np.exp(-decay[1] * far)
    weights *= ~np.eye(SIZE, dtype=bool)
    return float(np.average(apart, weights=weights))


def test_the_moves_of_each_pair_and_month_stay_as_many() -> None:
    drawn = draw(3, moves=700, departures=150)
    counts, _ = taken(drawn, 0.4, 4)
    fit = fit_kinds(counts, *drawn.arguments)
    np.testing.assert_allclose(fit.counts.sum(axis=1), counts.sum(axis=1))
    assert (fit.counts >= 0).all()
    np.testing.assert_array_equal(fit.counts[:, KINDS.index("term_start")], counts[:, KINDS.index("term_start")])


@pytest.mark.parametrize("kind", ["move", "term_end"])
def test_without_moves_of_both_kinds_none_is_taken(kind: str) -> None:
    drawn = draw(5, moves=350, departures=70)
    counts = drawn.counts.copy()
    counts[:, [number for number, name in enumerate(KINDS) if name != kind]] = 0.0
    fit = fit_kinds(counts, *drawn.arguments)
    assert fit.taken_share == 0
    np.testing.assert_array_equal(fit.counts, counts)


def test_a_few_moves_leave_the_share_near_what_is_expected() -> None:
    """One move and one departure in another month say little."""
    drawn = draw(6, moves=7, departures=1)
    fit = fit_kinds(drawn.counts, *drawn.arguments)
    assert fit.taken_share == pytest.approx(TAKEN_PRIOR[0] / sum(TAKEN_PRIOR), abs=0.12)


def test_the_decay_is_that_of_pairs_whose_destinations_draw_more_than_their_residents() -> None:
    """Two equal areas in the far north draw five times as many moves as their residents; the rest is exp(−0.01 d)."""
    place = np.array([[0.0, y] for y in (0, 50, 100, 150, 200, 600, 650)])
    apart = np.hypot(*(place[:, None] - place[None, :]).transpose(2, 0, 1))
    residents = np.full(len(place), 1e5)
    appeal = np.where(place[:, 1] >= 600, 5.0, 1.0)
    chances = appeal[None, :] * np.exp(-0.01 * apart) * ~np.eye(len(place), dtype=bool)
    counts = np.zeros((1, len(KINDS), len(place), len(place)))
    counts[0, 0] = 3_000 * chances / chances.sum(axis=1, keepdims=True)
    arguments = (np.full((1, len(place)), 1e4), residents, np.full(len(place), 0.1), apart)
    plain = fit_gravity(counts, *arguments)
    model = fit_kinds(counts, *arguments).model
    true = np.exp(-0.01 * np.array([50.0, 600.0]))
    ratio = [
        float(np.divide(*(far ** -decay[0] * np.exp(-decay[1] * far) for far in (50.0, 600.0))))
        for decay in (plain.decay[0], model.decay[0])
    ]
    assert abs(np.log(ratio[1] * true[1] / true[0])) < 0.5 * abs(np.log(ratio[0] * true[1] / true[0]))
