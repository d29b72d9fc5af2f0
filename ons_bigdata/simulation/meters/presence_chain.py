"""Presence of the tuning generator: each person is away, active or asleep by a Markov chain in local time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours

AWAY, ACTIVE, ASLEEP = range(3)
WORKER, AT_HOME, RETIRED, PUPIL, INFANT = range(5)
WORKDAY, FREE_DAY = range(2)
_FIRST_SLOT = 8
"""Chains of a day begin at 04:00, when nearly everybody sleeps; so all days run side by side."""
_CHRONOTYPE_SLOTS = 1.6
_TOGETHER = 0.45
"""Chance that a person follows the others of the household on a day instead of their own course."""
_PART_TIME = 0.3
_WORKS_AT_HOME = 0.2

# Chance per half hour of each transition: bumps (centre in hours from midnight, width in hours, height) and a floor.
_Bumps = tuple[tuple[float, float, float], ...]
_TRANSITIONS: dict[tuple[int, int], dict[str, _Bumps]] = {
    (WORKER, WORKDAY): {
        "wake": ((6.7, 0.7, 0.42), (9.5, 1.5, 0.5)),
        "leave": ((8.1, 0.7, 0.5), (12.0, 3.0, 0.1), (19.2, 1.0, 0.06)),
        "back": ((17.8, 1.1, 0.33), (13.0, 0.7, 0.04), (22.0, 1.2, 0.35), (25.0, 1.5, 0.5)),
        "sleep": ((22.9, 0.8, 0.32), (25.0, 1.3, 0.5)),
    },
    (WORKER, FREE_DAY): {
        "wake": ((8.4, 1.1, 0.3), (11.0, 1.5, 0.5)),
        "leave": ((11.5, 2.2, 0.1), (15.0, 2.0, 0.07), (19.3, 1.0, 0.07)),
        "back": ((13.5, 2.0, 0.16), (17.5, 1.8, 0.26), (23.0, 1.4, 0.3), (26.0, 1.2, 0.5)),
        "sleep": ((23.5, 0.9, 0.27), (25.8, 1.2, 0.5)),
    },
    (AT_HOME, WORKDAY): {
        "wake": ((7.5, 0.9, 0.34), (10.5, 1.8, 0.45)),
        "leave": ((9.2, 0.7, 0.12), (13.5, 2.5, 0.06), (19.0, 1.2, 0.03)),
        "back": ((12.0, 2.0, 0.28), (17.0, 2.0, 0.3), (22.5, 1.5, 0.4)),
        "sleep": ((23.0, 0.8, 0.3), (25.3, 1.3, 0.5), (14.5, 1.0, 0.01)),
    },
    (RETIRED, WORKDAY): {
        "wake": ((7.6, 0.8, 0.34), (10.0, 1.6, 0.5)),
        "leave": ((10.5, 1.2, 0.11), (14.3, 1.5, 0.07)),
        "back": ((12.3, 1.2, 0.35), (16.5, 1.8, 0.4), (21.5, 1.5, 0.5)),
        "sleep": ((22.6, 0.7, 0.32), (24.5, 1.2, 0.5), (14.3, 0.8, 0.03)),
    },
    (PUPIL, WORKDAY): {
        "wake": ((7.4, 0.4, 0.5), (9.5, 1.5, 0.6)),
        "leave": ((8.4, 0.4, 0.75),),
        "back": ((15.8, 0.7, 0.5), (19.0, 2.5, 0.4)),
        "sleep": ((21.3, 0.9, 0.3), (23.5, 1.2, 0.6)),
    },
    (INFANT, WORKDAY): {
        "wake": ((6.8, 0.7, 0.4), (15.3, 0.8, 0.4)),
        "leave": ((9.5, 1.0, 0.06),),
        "back": ((12.0, 1.5, 0.4), (17.0, 2.0, 0.5)),
        "sleep": ((13.2, 0.6, 0.2), (19.6, 0.7, 0.4), (22.0, 1.5, 0.6)),
    },
}
_TRANSITIONS[AT_HOME, FREE_DAY] = _TRANSITIONS[WORKER, FREE_DAY]
_TRANSITIONS[PUPIL, FREE_DAY] = _TRANSITIONS[WORKER, FREE_DAY]
_TRANSITIONS[RETIRED, FREE_DAY] = _TRANSITIONS[RETIRED, WORKDAY]
_TRANSITIONS[INFANT, FREE_DAY] = _TRANSITIONS[INFANT, WORKDAY]


def _chances(bumps: _Bumps, floor: float) -> NDArray[np.float64]:
    hours = (np.arange(48) + 0.5) / 2
    total = np.full(48, floor)
    for centre, width, height in bumps:
        apart = (hours - centre + 12.0) % 24.0 - 12.0
        total += height * np.exp(-0.5 * (apart / width) ** 2)
    return np.minimum(total, 0.95)


def _transition_table() -> NDArray[np.float32]:
    """Chance to be away, and to be away or active, in the next half hour: kind, day, slot, state, 2."""
    table = np.zeros((5, 2, 48, 3, 2), dtype=np.float32)
    for (kind, day), bumps in _TRANSITIONS.items():
        wake, leave = _chances(bumps["wake"], 0.012), _chances(bumps["leave"], 0.002)
        back, sleep = _chances(bumps["back"], 0.01), _chances(bumps["sleep"], 0.001)
        table[kind, day, :, AWAY] = np.stack([1.0 - back, np.ones(48)], axis=1)
        table[kind, day, :, ACTIVE] = np.stack([leave, 1.0 - sleep * (1.0 - leave)], axis=1)
        table[kind, day, :, ASLEEP] = np.stack([np.zeros(48), wake], axis=1)
    return table


_TABLE = _transition_table()


def draw_presence(rng: Generator, homes: pl.DataFrame, clock: HalfHours) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """People at home, and at home and awake, of each home and half hour, without absences of the whole household.

    Homes without a household size have nobody.
    """
    home, kind = _persons(rng, homes)
    if home.size == 0:
        nobody = np.zeros((homes.height, clock.count), dtype=np.uint8)
        return nobody, nobody.copy()
    states = _run_chains(rng, home, kind, clock)
    first = np.flatnonzero(np.r_[True, home[1:] != home[:-1]])
    at_home, awake = (
        np.zeros((homes.height, clock.days + 1, 48), dtype=np.uint8),
        np.zeros((homes.height, clock.days + 1, 48), dtype=np.uint8),
    )
    adult_home = np.add.reduceat((states != AWAY) & (kind < PUPIL)[:, None, None], first, axis=0, dtype=np.uint8)
    alone = np.repeat(adult_home == 0, np.diff(np.r_[first, home.size]), axis=0) & (kind == INFANT)[:, None, None]
    states[alone] = AWAY
    at_home[home[first]] = np.add.reduceat(states != AWAY, first, axis=0, dtype=np.uint8)
    awake[home[first]] = np.add.reduceat(states == ACTIVE, first, axis=0, dtype=np.uint8)
    after_four = clock.slot >= _FIRST_SLOT
    row = clock.day + after_four
    step = np.where(after_four, clock.slot - _FIRST_SLOT, clock.slot + 48 - _FIRST_SLOT)
    cell = row * 48 + step
    return at_home.reshape(homes.height, -1)[:, cell], awake.reshape(homes.height, -1)[:, cell]


def _persons(rng: Generator, homes: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Home (row) and kind of each person, sorted by home: workers, other adults, children."""
    size = homes["household_size"].fill_null(0).to_numpy()
    home = np.repeat(np.arange(homes.height), size)
    place = np.arange(home.size) - np.repeat(np.cumsum(size) - size, size)
    adults, workers = (homes[column].fill_null(0).to_numpy()[home] for column in ("adults", "workers"))
    is_retired = (homes["employment"] == "retired").fill_null(value=False).to_numpy()[home]
    child = np.where(rng.random(home.size) < 0.72, PUPIL, INFANT)
    goes_out = (place < workers) & (rng.random(home.size) >= _WORKS_AT_HOME)
    adult = np.where(goes_out, WORKER, np.where(is_retired, RETIRED, AT_HOME))
    return home, np.where(place < adults, adult, child)


def _run_chains(
    rng: Generator, home: NDArray[np.int64], kind: NDArray[np.int64], clock: HalfHours
) -> NDArray[np.uint8]:
    """State of each person, day (beginning with the one before the first) and half hour from 04:00."""
    persons, days = home.size, clock.days + 1
    is_free = np.r_[False, (clock.weekday >= 5) | clock.is_public_holiday]
    is_free = np.broadcast_to(is_free, (persons, days)).copy()
    is_free |= (kind == PUPIL)[:, None] & np.r_[False, clock.is_school_holiday]
    part_time = (kind == WORKER) & (rng.random(persons) < _PART_TIME)
    is_free |= part_time[:, None] & (rng.random((persons, days)) < 0.4)
    is_free |= (kind == WORKER)[:, None] & (rng.random((persons, days)) < 0.06)
    chronotype = np.clip(np.round(rng.normal(0, _CHRONOTYPE_SLOTS, persons)), -4, 5).astype(np.int64)
    chronotype = np.where(kind == PUPIL, np.clip(chronotype, -1, 1), chronotype)
    together = rng.random((persons, days)) < _TOGETHER
    _, household = np.unique(home, return_inverse=True)
    households = int(household[-1]) + 1
    states = np.empty((persons, days, 48), dtype=np.uint8)
    state = np.full((persons, days), ASLEEP, dtype=np.int64)
    base = (kind[:, None] * 2 + is_free) * 48
    flat = _TABLE.reshape(-1, 2)
    for step in range(48):
        slot = (step + _FIRST_SLOT - chronotype) % 48
        rows = (base + slot[:, None]) * 3 + state
        of_household = rng.random((households, days), dtype=np.float32)[household]
        drawn = np.where(together, of_household, rng.random((persons, days), dtype=np.float32))
        chances = flat[rows]
        state = np.where(drawn < chances[..., 0], AWAY, np.where(drawn < chances[..., 1], ACTIVE, ASLEEP))
        states[:, :, step] = state
    return states
