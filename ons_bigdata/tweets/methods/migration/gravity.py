"""Model of moves between areas: distance, attraction and season, with effects of areas drawn towards it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from ons_bigdata.tweets.methods.migration.effect_priors import EffectPrior, fit_prior, official_effects

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KINDS = ("move", "term_start", "term_end")
"""Kinds of moves that are modelled apart: of anybody, to the first term-time address, from the last one."""
EFFECTS = ("leaving", "arriving", "home", "town")
"""Effects of an area: on moves of anybody out of it and into it, as a home of students, and as a town of study."""
OFFICIAL = ("out, other ages", "in, other ages", "out, ages of students", "in, ages of students")
"""Official moves that give the effects, in their order, a pattern."""
OF_ORIGIN, OF_DESTINATION = [0, 2, 3], [1, 3, 2]
"""Effect of the origin and of the destination of each kind."""
PRIOR_MOVES = 0.2
"""Moves for which the level of all periods counts in that of one."""
ROUNDS = 20
LATER_ROUNDS = 5
"""Rounds in which effects of areas are found in turn: from none, and from those of an earlier fit."""
PRIOR_USERS = 5.0
"""Users for which the national share of students counts in that of an area."""
_START = (0.5, 0.01)
DECAY_BOUNDS = ((0.0, 3.0), (0.0, 0.1))
"""Bounds of the power and of the rate per kilometre of the decay with distance."""
LEAST_KM = 1.0


@dataclass(frozen=True)
class GravityModel:
    """Expected rates of moves. Axes: periods p, kinds k, origins i, destinations j.

    In a month, a resident of i moves to j at the rate Σ_k `level`[p, k] · `origin`[k, i] · `destination`[k, i, j] times
    the effects of i and j: for moves of anybody `leaving`[i] and `arriving`[j], for first arrivals in term-time areas
    `home`[i] and `town`[j], for last departures from them `town`[i] and `home`[j].
    """

    level: Floats
    origin: Floats
    destination: Floats
    effects: Floats
    """Effects of the areas, `EFFECTS` × areas."""
    decay: Floats
    """Power and rate per kilometre of the decay with distance, kinds × 2."""
    information: Floats
    """Information of the moves on the decay, kinds × 2 × 2."""
    attraction: Floats
    """Attraction of each destination, kinds × destinations."""
    distance_km: Floats
    priors: tuple[EffectPrior, ...]
    """Priors of the effects."""
    events: tuple[Floats, Floats]
    """Moves on which level and effects rest; those of the prior included."""

    @property
    def is_official(self) -> bool:
        """True if effects of the areas follow official moves."""
        return any(prior.pattern is not None for prior in self.priors)

    def expected(self, months: Floats, shares: Floats | None = None) -> Floats:
        """Expected moves, periods × origins × destinations, for months lived in each period and area.

        `shares`: part of these months by those who may move in each way, kinds × areas; all by default.
        """
        origin = self.origin if shares is None else self.origin * shares
        rates = self.destination * self.effects[OF_ORIGIN][:, :, None] * self.effects[OF_DESTINATION][:, None, :]
        tables = []
        for lived, level in zip(months, self.level, strict=True):
            tables.append(np.einsum("ki,kij->ij", level[:, None] * origin * lived[None, :], rates))
        return np.stack(tables)

    def drawn(self, random: Generator) -> GravityModel:
        """Model drawn from the uncertainty of this one: levels and effects gamma, decay and slopes normal.

        Shapes of priors are kept.
        """
        level, effects = (
            values * random.gamma(np.maximum(events, 0.5)) / np.maximum(events, 0.5)
            for values, events in zip((self.level, self.effects), self.events, strict=True)
        )
        weak = np.diag([1.0 / (bounds[1] - bounds[0]) ** 2 for bounds in DECAY_BOUNDS])  # as wide as what is allowed
        decay = np.stack(
            [
                random.multivariate_normal(point, np.linalg.inv(information + weak))
                for point, information in zip(self.decay, self.information, strict=True)
            ]
        ).clip(*np.transpose(DECAY_BOUNDS))
        destination = _chances(decay, self.attraction, self.distance_km)
        effects = effects * np.stack(
            [self._drawn_slope(random, number, prior) for number, prior in enumerate(self.priors)]
        )
        return replace(self, level=level, effects=effects, decay=decay, destination=destination)

    def _drawn_slope(self, random: Generator, effect: int, prior: EffectPrior) -> Floats:
        """Factor by which an effect differs if the slope of its prior on the official pattern is another one."""
        if prior.pattern is None:
            return np.ones(len(prior.mean))
        due = self.events[1][effect] / self.effects[effect]  # the moves that the prior counts for included
        factor: Floats = due / (due + prior.shape / prior.drawn_mean(random) - prior.shape / prior.mean)
        return factor


def fit_gravity(
    counts: Floats,
    months: Floats,
    residents: Floats,
    students: Floats,
    distance_km: Floats,
    official: Floats | None = None,
    effects: Floats | None = None,
) -> GravityModel:
    """Fit rates of moves to the counts of moves of users.

    `counts`: periods × kinds (`KINDS`) × origins × destinations, without moves within an area; `months` at risk:
    periods × origins; `residents` and `students` (share of the users, > 0) of each area; `distance_km`: origins ×
    destinations.

    A move of kind k from i goes to j with a chance proportional to A_kj · d^−a · exp(−b d): A are the residents, for
    first arrivals in term-time areas the students; a and b make the destinations most likely (Tanner's function), apart
    for each kind. The rate of leaving is the same for all residents, for last departures from term-time areas it goes
    with the share of students. Levels are those of each period and kind, drawn towards that of all periods by
    `PRIOR_MOVES` moves: a period without time at risk has the latter.

    Effects of the areas multiply all that: of leaving and arriving for moves of anybody, of being a home of students
    and a town of study for the other two kinds, of which the one is the way back of the other. They have gamma priors
    with mean 1, of which the shapes make the counts of the areas most likely (with the prior `SHAPE_PRIOR`); the
    effects are posterior means, in turn.

    `official`: moves in an earlier year, `OFFICIAL` × areas, NaN where not known. With it the prior means follow the
    effects that would give the model those margins (`official_effects`), as far as the counts say (`fit_prior`):
    leaving and arriving those of other ages, home and town those of the ages of students.

    `effects`: those of an earlier fit, `EFFECTS` × areas. With them the attraction in the likelihood of a and b is that
    of the residents times the effect of the destination: where many move for another reason than its size, they say
    nothing of distance.

    Raises ValueError on arrays of other shapes, negative counts, moves within an area, and no months at all.

    Source: Tanner, Factors affecting the amount of travel, Road Research Technical Paper 51 (1961); Wilson, A
    statistical theory of spatial distribution models, Transportation Research 1 (1967) 253–269; empirical Bayes:
    Clayton & Kaldor, Biometrics 43 (1987) 671–681. Students as a covariate: made for this project.
    """
    _check(counts, months, residents, students, distance_km, official)
    areas = len(residents)
    flat = np.ones(areas)
    people = np.maximum(residents, 1.0)  # nobody lives there: as attractive as a single resident
    attraction = np.stack([people, people * students, people])
    origin = np.stack([flat, flat, students / students.mean()])
    apart = np.maximum(distance_km, LEAST_KM)
    drawing = attraction if effects is None else attraction * effects[OF_DESTINATION]
    fits = [_decay(counts[:, kind].sum(axis=0), drawing[kind], apart) for kind in range(len(KINDS))]
    decay, information = (np.stack(part) for part in zip(*fits, strict=True))
    destination = _chances(decay, attraction, apart)
    exposure = months @ origin.T
    level, moved = _levels(counts.sum(axis=(2, 3)), exposure)
    expected = ((level.T @ months) * origin)[:, :, None] * destination
    patterns = None if official is None else _patterns(official, residents, destination)
    fitted, priors, resting_on = _effects(counts.sum(axis=0), expected, patterns, effects)
    events = (moved, resting_on)
    return GravityModel(level, origin, destination, fitted, decay, information, attraction, apart, priors, events)


def _patterns(official: Floats, residents: Floats, destination: Floats) -> Floats:
    """Logarithms of the effects that official moves have, `EFFECTS` × areas."""
    of_kinds = [
        official_effects(official[2 * kind], official[2 * kind + 1], residents[:, None] * destination[kind])
        for kind in (0, 1)
    ]
    return np.stack([effect for both in of_kinds for effect in both])


def _check(
    counts: Floats,
    months: Floats,
    residents: Floats,
    students: Floats,
    distance_km: Floats,
    official: Floats | None,
) -> None:
    areas = len(residents)
    shapes = {
        "counts": (counts, (len(months), len(KINDS), areas, areas)),
        "months": (months, (len(months), areas)),
        "residents": (residents, (areas,)),
        "students": (students, (areas,)),
        "distance_km": (distance_km, (areas, areas)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise ValueError(f"{name} has a value below 0 or none; expected numbers of 0 or more")
    if official is not None:
        if official.shape != (len(OFFICIAL), areas):
            raise ValueError(f"official has shape {official.shape}; expected {(len(OFFICIAL), areas)}")
        if np.isinf(official).any() or (official < 0).any():
            raise ValueError("official has a value below 0 or an infinite one; expected moves of 0 or more, or NaN")
    if np.einsum("pkii->", counts) > 0:
        raise ValueError("counts have moves within an area; expected none")
    if not months.sum() > 0:
        raise ValueError("months are all 0; expected time at risk")
    if not (residents.sum() > 0 and (students > 0).all()):
        raise ValueError("residents are all 0, or students of an area are; expected positive numbers")


def _levels(counts: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Levels of periods and kinds, and the moves on which they rest: counts drawn towards the level of all periods."""
    total = exposure.sum(axis=0)
    mean = np.divide(counts.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    moved = np.where(mean > 0, counts + PRIOR_MOVES, 0.0)
    due = exposure + np.divide(PRIOR_MOVES, mean, out=np.ones_like(mean), where=mean > 0)
    return moved / due, moved


def _log_chances(decay: Floats, log_attraction: Floats, distance_km: Floats) -> Floats:
    """Logarithms of the chances of the destinations (columns) of each origin."""
    scores = log_attraction[None, :] - decay[0] * np.log(distance_km) - decay[1] * distance_km
    np.fill_diagonal(scores, -np.inf)
    largest = scores.max(axis=1, keepdims=True)
    result: Floats = scores - largest - np.log(np.exp(scores - largest).sum(axis=1, keepdims=True))
    return result


def _chances(decay: Floats, attraction: Floats, distance_km: Floats) -> Floats:
    """Chances of the destinations: kinds × origins × destinations."""
    return np.stack(
        [
            np.exp(_log_chances(point, np.log(drawing), distance_km))
            for point, drawing in zip(decay, attraction, strict=True)
        ]
    )


def _decay(counts: Floats, attraction: Floats, distance_km: Floats) -> tuple[Floats, Floats]:
    """Decay that makes the counts most likely, and the information of the counts on it."""
    moved = counts > 0

    def loss(point: Floats) -> float:
        return float(-(counts[moved] * _log_chances(point, np.log(attraction), distance_km)[moved]).sum())

    start = np.array(_START)
    point = minimize(loss, start, method="L-BFGS-B", bounds=DECAY_BOUNDS).x if moved.any() else start
    chances = np.exp(_log_chances(point, np.log(attraction), distance_km))
    features = np.stack([np.log(distance_km), distance_km])
    means = np.einsum("ij,fij->fi", chances, features)
    second = np.einsum("ij,fij,gij->fgi", chances, features, features)
    information = (second - means[:, None] * means[None, :]) @ counts.sum(axis=1)
    return point, information


def _effects(
    counts: Floats, expected: Floats, patterns: Floats | None, start: Floats | None
) -> tuple[Floats, tuple[EffectPrior, ...], Floats]:
    """Effects of the areas, their priors, and the moves on which the effects rest, prior included.

    `counts` and `expected`: moves, kinds × origins × destinations; `patterns`: see `_patterns`; `start`: effects of an
    earlier fit.
    """
    effects = np.ones((len(EFFECTS), counts.shape[1])) if start is None else start.copy()
    priors: list[EffectPrior | None] = [None] * len(EFFECTS)
    events = np.ones_like(effects)
    for _ in range(ROUNDS if start is None else LATER_ROUNDS):
        for effect in range(len(EFFECTS)):
            seen, due = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
            for kind, (of_origin, of_destination) in enumerate(zip(OF_ORIGIN, OF_DESTINATION, strict=True)):
                if of_origin == effect:
                    seen += counts[kind].sum(axis=1)
                    due += expected[kind] @ effects[of_destination]
                if of_destination == effect:
                    seen += counts[kind].sum(axis=0)
                    due += effects[of_origin] @ expected[kind]
            prior = fit_prior(seen, due, None if patterns is None else patterns[effect])
            events[effect] = seen + prior.shape
            effects[effect] = events[effect] / (due + prior.shape / prior.mean)
            priors[effect] = prior
    return effects, tuple(prior for prior in priors if prior is not None), events


def student_shares(students: Floats, users: Floats) -> Floats:
    """Share of students among the users of each area, drawn towards that of all areas by `PRIOR_USERS` users."""
    mean = max(float(students.sum()), 0.5) / max(float(users.sum()), 1.0)
    shares: Floats = (students + PRIOR_USERS * mean) / (users + PRIOR_USERS)
    return shares
