"""Simulated homes with further loads and other shapes of use, so that models see homes odder than real ones.

`varied` adds what runs in real homes and not in those of the generator: a drifting base, use by night, storage heating,
timers and spikes in absence. `reshaped` changes the form of a home's use altogether: another household's load on top,
other hours, another spread, cycles, faint days, seasons, steps, coarse readings. Nothing of a real home enters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.simulated import SimulatedMeters

Floats = np.ndarray


def varied(meters: SimulatedMeters, share: float, seed: int) -> SimulatedMeters:
    """Homes of which a share has further loads: base, night use, storage heating; and all another scale."""
    clock = HalfHours(meters.first_day, meters.days, meters.timezone)
    kwh = meters.kwh.copy()
    slot = np.minimum(np.arange(clock.count) - clock.starts[clock.day], 47)
    winter = 0.5 + 0.5 * np.cos(2 * np.pi * (clock.day_of_year - 15) / 365)
    empty = (meters.homes["occupancy"] == "vacant").to_numpy()
    for row in range(len(kwh)):
        random = np.random.default_rng([seed, row])
        if random.random() >= share or empty[row]:
            continue
        mean = float(kwh[row].mean()) + 0.02
        if random.random() < 0.6:
            kwh[row] = _other_activity(random, clock, kwh[row])
        if random.random() < 0.5:
            kwh[row] += _use_in_absence(random, clock, mean) * (meters.people_at_home[row] == 0)
        drift = np.exp(_walk(random, clock.days, 0.9, random.uniform(0.02, 0.15)))
        if random.random() < 0.5:
            kwh[row] += (mean * random.uniform(0, 1.2) * drift)[clock.day] * random.normal(1, 0.05, clock.count)
        if random.random() < 0.4:
            kwh[row] += _night_use(random, clock, mean) * (meters.people_at_home[row] > 0)
        if random.random() < 0.15:
            heat = random.uniform(0.3, 2.5) * (0.1 + winter * drift)[clock.day]
            hours = (slot >= random.integers(0, 3)) & (slot < random.integers(8, 16))
            kwh[row] += heat * hours * random.normal(1, 0.1, clock.count)
            kwh[row] += 0.2 * heat * (random.random() < 0.5)
        kwh[row] *= random.lognormal(0, 0.5)
    return replace(meters, kwh=_as_read(kwh))


def reshaped(meters: SimulatedMeters, share: float, seed: int) -> tuple[SimulatedMeters, np.ndarray]:
    """Homes that are lived in, a share of them in another shape; and which these are, one flag per home.

    A reshaped home has no truth of its own any more where the generator's people come, go or are away: a second
    household or other hours may be in it. Absences that are injected afterwards are its truth.
    """
    clock = HalfHours(meters.first_day, meters.days, meters.timezone)
    kwh = meters.kwh.copy()
    lived_in = np.flatnonzero((meters.homes["occupancy"] == "occupied").to_numpy())
    is_reshaped = np.zeros(len(kwh), dtype=bool)
    for row in lived_in:
        # 77: draws of its own, apart from those of `varied` with the same seed.
        random = np.random.default_rng([seed, 77, int(row)])
        if random.random() >= share:
            continue
        is_reshaped[row] = True
        kwh[row] = _reshaped_home(random, clock, kwh[row], meters.kwh, lived_in)
    return replace(meters, kwh=_as_read(kwh)), is_reshaped


def _reshaped_home(
    random: np.random.Generator, clock: HalfHours, load: Floats, homes: Floats, lived_in: np.ndarray
) -> Floats:
    """Half hours of a home in another shape. `homes`: of all homes; `lived_in`: rows that may lie on top of it."""
    if random.random() < 0.3:
        other = homes[random.choice(lived_in)]
        load = load + random.uniform(0.1, 1.0) * other
    if random.random() < 0.3:
        load = np.roll(load, int(random.integers(-7, 8)))
    if random.random() < 0.5:
        mean = float(load.mean()) + 0.005
        load = mean * (load / mean) ** np.clip(random.lognormal(0, 0.35), 0.45, 1.8)
    if random.random() < 0.3:
        load = load + _cycles(random, clock, float(load.mean()) + 0.005)
    if random.random() < 0.35:
        load = _with_faint_days(random, clock, load)
    if random.random() < 0.3:
        wave = random.normal(0, 0.35) * np.cos(2 * np.pi * (clock.day_of_year - random.uniform(0, 365)) / 365)
        load = load * np.exp(wave)[clock.day]
    if random.random() < 0.2:
        factor = random.uniform(0.5, 2)
        is_later = np.arange(clock.days) >= random.integers(30, clock.days - 30)
        load = load * np.where(is_later, factor, 1.0)[clock.day]
    if random.random() < 0.15:
        step = random.choice([0.01, 0.02, 0.05])
        load = np.round(load / step) * step
    return load


def _cycles(random: np.random.Generator, clock: HalfHours, mean: float) -> Floats:
    """A load that goes on and off by day and night, in cycles of one to five hours that wander."""
    period = random.uniform(1.5, 10)
    phase = np.cumsum(2 * np.pi / period * (1 + 0.15 * random.standard_normal(clock.count)))
    level = random.uniform(-0.8, 0.8)
    return mean * random.uniform(0.1, 1.2) * (np.sin(phase) > level)


def _with_faint_days(random: np.random.Generator, clock: HalfHours, load: Floats) -> Floats:
    """Load of which a share of the days has a fainter use above their low half hours: people at home who use little."""
    whole = clock.count // 48 * 48
    low = np.quantile(load[:whole].reshape(-1, 48), 0.15, axis=1)
    low = np.append(low, np.full(clock.days - len(low), low[-1]))[clock.day]
    is_faint = random.random(clock.days) < random.uniform(0.03, 0.5)
    factor = np.where(is_faint, random.uniform(0.1, 0.7, clock.days), 1.0)
    return low + (load - low) * factor[clock.day]


def _as_read(kwh: Floats) -> Floats:
    """Readings in whole watt-hours, none below zero."""
    return np.round(np.maximum(kwh, 0), 3).astype(np.float32)


def _walk(random: np.random.Generator, days: int, memory: float, sd: float) -> Floats:
    steps = random.normal(0, sd, days)
    walk = np.empty(days)
    level = 0.0
    for day in range(days):
        level = memory * level + steps[day]
        walk[day] = level
    return walk


def _other_activity(random: np.random.Generator, clock: HalfHours, kwh: Floats) -> Floats:
    """Load above the day's low decile scaled by a factor of the home and, in some homes, another of each day."""
    low = np.array([np.quantile(part, 0.1) for part in np.split(kwh, clock.starts[1:-1])])[clock.day]
    factor = np.clip(random.lognormal(-0.2, 0.6), 0.15, 2.5)
    spread = random.uniform(0.1, 0.8) * (random.random() < 0.5)
    return low + (kwh - low) * (factor * np.exp(random.normal(0, spread, clock.days)))[clock.day]


def _use_in_absence(random: np.random.Generator, clock: HalfHours, mean: float) -> Floats:
    """Timers at the same hours and single spikes on some days, which run whether anybody is there or not."""
    load = np.zeros(clock.count)
    days = np.flatnonzero(random.random(clock.days) < random.uniform(0.05, 0.6))
    for day in days:
        slots = random.integers(12, 44, random.integers(1, 4))
        load[np.minimum(clock.starts[day] + slots, clock.count - 1)] += mean * random.uniform(0.5, 8)
    if random.random() < 0.3:
        begin, length = int(random.integers(12, 42)), int(random.integers(1, 8))
        for number in range(length):
            load[np.minimum(clock.starts[:-1] + begin + number, clock.count - 1)] += mean * random.uniform(0.2, 1.5)
    return load


def _night_use(random: np.random.Generator, clock: HalfHours, mean: float) -> Floats:
    """Use of some half hours between 22:00 and 07:00 in some nights."""
    load = np.zeros(clock.count)
    nights = np.flatnonzero(random.random(clock.days) < random.uniform(0.05, 0.9))
    begins = clock.starts[nights] + random.integers(-4, 12, len(nights))
    lengths = random.integers(1, 9, len(nights))
    sizes = mean * random.uniform(0.5, 6) * random.lognormal(0, 0.5, len(nights))
    for begin, length, size in zip(begins, lengths, sizes, strict=True):
        load[max(begin, 0) : max(begin + length, 0)] += size
    return load
