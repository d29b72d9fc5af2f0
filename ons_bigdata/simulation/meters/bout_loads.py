"""Loads of the adversarial generator: log-Gaussian activity, renewal bouts, drifting base, and life in empty homes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import lfilter

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours


def drifting_base(rng: Generator, homes: int, clock: HalfHours, median_kwh: float, sigma: float) -> NDArray[np.float32]:
    """Base load: gamma level, a yearly wave, level shifts at random times, and devices that are on for days."""
    shape = 1.0 / sigma**2
    level = rng.gamma(shape, median_kwh / shape, homes)[:, None] + 0.008
    wave = 1.0 + rng.normal(0.0, 0.08, homes)[:, None] * np.cos(2 * np.pi * clock.day_of_year / 365.25)
    shifts = rng.random((homes, clock.days)) < 1.5 / 365
    steps = np.exp(np.cumsum(np.where(shifts, rng.normal(0.0, 0.15, shifts.shape), 0.0), axis=1))
    switches = rng.random((homes, clock.days)) < rng.uniform(0.02, 0.15, homes)[:, None]
    is_on = np.cumsum(switches, axis=1) % 2
    device = rng.exponential(0.008, homes)[:, None]
    by_day = (level * wave * steps + device * is_on).astype(np.float32)
    noise = rng.gamma(900.0, 1 / 900.0, (homes, clock.count)).astype(np.float32)
    return by_day[:, clock.day] * noise


def cyclic_cooling(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.float32]:
    """Cooling as a wave whose phase wanders, taken in the middle of each half hour; warmer kitchens use more."""
    speed = np.pi / rng.uniform(1.0, 2.3, homes)
    wander = rng.normal(0.0, 0.35, (homes, clock.count)).astype(np.float32)
    phase = np.cumsum(speed[:, None].astype(np.float32) + wander, axis=1)
    mean = rng.gamma(5.0, 0.0045, homes)
    season = 1.0 + 0.15 * np.cos(2 * np.pi * (clock.day_of_year - 200) / 365.25)[clock.day]
    depth = rng.beta(4.0, 2.0, homes)
    wave = 1.0 + depth[:, None] * np.cos(phase)
    return (mean[:, None] * season * wave).astype(np.float32)


def log_gaussian_activity(
    rng: Generator,
    awake: NDArray[np.uint8],
    mood: NDArray[np.float64],
    clock: HalfHours,
    log_kwh: float,
    log_sigma: float,
) -> NDArray[np.float32]:
    """Consumption of people up: exponential of a profile of three harmonics and a first-order autoregression.

    `mood`: added to the exponent, homes × days.
    """
    homes = len(awake)
    angle = 2 * np.pi * (np.arange(48) + 0.5) / 48
    profile = np.zeros((homes, 48))
    means = ((0.06, -0.13), (0.05, 0.12), (0.02, 0.02))
    for harmonic, (cosine, sine) in enumerate(means, start=1):
        spread = 0.33 / harmonic
        profile += rng.normal(cosine, spread, homes)[:, None] * np.cos(harmonic * angle)
        profile += rng.normal(sine, spread, homes)[:, None] * np.sin(harmonic * angle)
    season = rng.normal(0.12, 0.08, homes)[:, None] * np.cos(2 * np.pi * (clock.day_of_year - 10) / 365.25)
    latent = lfilter([0.88], [1.0, -0.48], rng.standard_normal(awake.shape, dtype=np.float32), axis=1)
    crowd = 0.45 * np.log(np.maximum(awake, 1)).astype(np.float32)
    level = rng.normal(log_kwh, log_sigma, homes)[:, None]
    exponent = (profile[:, clock.slot] + (season + mood)[:, clock.day] + level + 0.7 * latent + crowd).astype(
        np.float32
    )
    wanted = np.exp(exponent)
    return np.where(awake > 0, wanted / (1.0 + wanted / 2.0), np.float32(0.0))


def draw_moods(rng: Generator, homes: int, days: int) -> NDArray[np.float64]:
    """How much more is used on each day, in logarithms: skewed (gamma) shocks that last some days, by home."""
    shocks = (rng.gamma(0.35, 1.0, (homes, days)) - 0.35) / np.sqrt(0.35)
    return np.asarray(rng.gamma(5.0, 0.115, homes)[:, None] * lfilter([0.9], [1.0, -0.35], shocks, axis=1))


def night_surprises(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.float32]:
    """Loads between midnight and 05:00 on some nights of some homes: machines left to cheap hours, sleepless people."""
    load = np.zeros((homes, clock.count), dtype=np.float32)
    often = rng.beta(0.4, 2.5, homes)
    home, day = np.nonzero(rng.random((homes, clock.days)) < often[:, None])
    size = rng.exponential(0.14, homes)[home]
    at = clock.starts[day] + rng.integers(0, 8, home.size)
    for after in range(4):
        load[home, at + after] += (size * rng.uniform(0.2, 1.0, home.size)).astype(np.float32)
    return load


def renewal_bouts(
    rng: Generator, awake: NDArray[np.uint8], mood: NDArray[np.float64], clock: HalfHours, per_day: float
) -> NDArray[np.float32]:
    """Bouts of heavy use: a gamma renewal process in the time that people are up, with Pareto energies that fade out.

    Gaps are over-dispersed (shape 0.9); bouts come in clusters where the mood of a day asks for many.
    """
    homes, half_hours = len(awake), clock.count
    pull = 0.7 + 0.4 * np.exp(-0.5 * ((clock.slot - 36) / 4.5) ** 2) + 0.4 * np.exp(-0.5 * ((clock.slot - 16) / 3) ** 2)
    crowd = np.array([0.0, 1.0, 1.35, 1.6, 1.8, 2.0, 2.1, 2.2], dtype=np.float32)[np.minimum(awake, 7)]
    pace = np.exp(np.minimum(mood, 1.0)).astype(np.float32)[:, clock.day]
    elapsed = np.cumsum(crowd * pull.astype(np.float32) * pace, axis=1, dtype=np.float64)
    per_unit = rng.lognormal(np.log(per_day), 0.45, homes) / 14.0
    longest = float((elapsed[:, -1] * per_unit).max())
    gaps = rng.gamma(0.9, 1.0 / 0.9, (homes, int(longest * 1.3) + 60))
    at = np.cumsum(gaps, axis=1) / per_unit[:, None]
    home, number = np.nonzero(at < elapsed[:, -1:])
    offset = np.arange(homes) * (elapsed[:, -1].max() + 1.0)
    place = np.searchsorted((elapsed + offset[:, None]).ravel(), at[home, number] + offset[home])
    energy = 0.2 * (1.0 + rng.pareto(3.0, home.size)) * rng.lognormal(0.0, 0.2, homes)[home]
    shots = np.bincount(place, weights=np.minimum(energy, 2.6), minlength=homes * half_hours)
    limited = shots / (1.0 + shots / 7.0)
    return _smear(limited.reshape(homes, half_hours), (1.0, 0.2, 0.05)).astype(np.float32)


def _smear(values: NDArray[Any], weights: tuple[float, ...]) -> NDArray[np.float64]:
    """Each value carried on to the columns after it, by weights."""
    total = np.zeros(values.shape)
    for after, weight in enumerate(weights):
        total[:, after:] += weight * values[:, : max(values.shape[1] - after, 0)]
    return total


def degree_heating(
    rng: Generator,
    is_heated: NDArray[np.bool_],
    at_home: NDArray[np.uint8],
    clock: HalfHours,
    temperature: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Electric heating that follows the temperature and, with a lag of hours, the people; frost alone when empty."""
    demand = lfilter([0.2], [1.0, -0.8], (at_home > 0).astype(np.float32), axis=1)
    comfort = np.maximum(16.0 - temperature, 0.0)[clock.day] * demand
    frost = np.maximum(4.0 - temperature, 0.0)[clock.day] * (1.0 - demand)
    power = rng.gamma(6.0, 0.008, is_heated.size) * is_heated
    return (power[:, None] * (comfort + frost)).astype(np.float32)


def cut_off(rng: Generator, kwh: NDArray[Any]) -> NDArray[np.float32]:
    """Load of each home without what lies above a level: circuits are off, those of the cold and of clocks are on."""
    level = np.quantile(kwh, 0.25, axis=1) * rng.beta(2.0, 1.5, len(kwh))
    return np.asarray(np.minimum(kwh, level[:, None]), dtype=np.float32)


def empty_home_life(
    rng: Generator, is_away: NDArray[np.bool_], clock: HalfHours, temperature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Loads in empty homes: lamps at random hours, water kept hot, frost heating, visits of neighbours."""
    homes = len(is_away)
    load = np.zeros(is_away.shape, dtype=np.float32)
    lamps = rng.exponential(0.04, homes) * (rng.random(homes) < 0.35)
    on, off = rng.normal(38, 2, (homes, clock.days)), rng.normal(45, 1.5, (homes, clock.days))
    slot = clock.slot
    load += lamps[:, None] * ((slot >= on[:, clock.day]) & (slot < off[:, clock.day]))
    water = rng.gamma(3.0, 0.25, homes) * (rng.random(homes) < 0.15)
    load += water[:, None] * (np.abs(slot - rng.integers(10, 44, homes)[:, None]) < 1)
    frost = rng.gamma(2.0, 0.03, homes) * (rng.random(homes) < 0.1)
    load += frost[:, None] * np.maximum(3.0 - temperature, 0.0)[clock.day]
    visited = rng.beta(0.5, 1.5, homes)
    home, day = np.nonzero(rng.random((homes, clock.days)) < 0.3 * visited[:, None])
    at = clock.starts[day] + np.round(rng.triangular(16, 20, 42, home.size)).astype(np.int64)
    load[home, at] += rng.exponential(0.07, home.size).astype(np.float32)
    load += _left_running(rng, homes, clock)
    return load * is_away


def _left_running(rng: Generator, homes: int, clock: HalfHours) -> NDArray[np.float32]:
    """Dehumidifiers, pumps and heaters that run for days on end or not at all, at the power of the home's own."""
    switches = rng.random((homes, clock.days)) < 0.12
    is_on = (np.cumsum(switches, axis=1) + rng.integers(0, 2, homes)[:, None]) % 2
    power = rng.gamma(1.2, 0.11, homes)[:, None] * (rng.random(homes) < 0.55)[:, None]
    return ((power * is_on)[:, clock.day] * rng.gamma(200.0, 1 / 200.0, (homes, clock.count))).astype(np.float32)


def sunny_import(rng: Generator, kwh: NDArray[np.float32], has_solar: NDArray[np.bool_], clock: HalfHours) -> None:
    """Import net of panels: what they make is a cosine around noon times persistent cloud of each half hour."""
    homes = int(has_solar.sum())
    if homes == 0:
        return
    height = np.maximum(clock.sun_elevation, 0.0)
    cloud = lfilter([0.3], [1.0, -0.95], rng.standard_normal((1, clock.count)), axis=1)
    share = 1.0 / (1.0 + np.exp(-1.2 * cloud))
    size = rng.gamma(4.0, 0.3, homes)
    kwh[has_solar] = np.maximum(kwh[has_solar] - size[:, None] * height * share, 0.0).astype(np.float32)


def night_water(rng: Generator, at_home: NDArray[np.uint8], clock: HalfHours) -> NDArray[np.float32]:
    """Water heating from 01:00 in blocks of equal power; the number of blocks is Poisson, by the people at home."""
    homes = len(at_home)
    present = np.add.reduceat(at_home, clock.starts[:-1], axis=1, dtype=np.int64) / clock.per_day
    yesterday = np.c_[present[:, :1], present[:, :-1]]
    blocks = 1 + rng.binomial(6, np.minimum(0.15 + 0.15 * yesterday, 0.9))
    power = rng.uniform(0.7, 1.6, homes)
    runs = (clock.slot >= 2) & (clock.slot - 2 < blocks[:, clock.day])
    return (power[:, None] * runs * rng.uniform(0.93, 1.07, at_home.shape)).astype(np.float32)


def vacant_bouts(
    rng: Generator, reads_zero: NDArray[np.bool_], clock: HalfHours, temperature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Half-hourly kWh of vacant homes: from 0 to 180 kWh a quarter, a third of them above 100.

    Standby in blocks of days, cooling here and there, frost heating, viewings, and weeks of workmen; each scaled to
    its level.
    """
    homes = reads_zero.size
    shape = drifting_base(rng, homes, clock, 0.02, 0.8)
    shape += cyclic_cooling(rng, homes, clock) * (rng.random(homes) < 0.55)[:, None]
    shape += 0.6 * empty_home_life(rng, np.ones(shape.shape, dtype=bool), clock, temperature)
    works = rng.random((homes, clock.days)) < 1 / 400
    by_week = _smear(works.astype(np.float64), (1.0,) * 6) > 0
    at_work = by_week[:, clock.day] & (clock.slot >= 17) & (clock.slot < 33)
    shape += at_work * rng.gamma(2.0, 0.02, shape.shape).astype(np.float32)
    high = rng.random(homes) < 1 / 3
    level = np.where(high, 100 + 75 * rng.beta(1.2, 1.8, homes), 100 * rng.beta(1.3, 1.3, homes))
    scaled = shape * (level / 91.3 * clock.days / shape.sum(axis=1))[:, None].astype(np.float32)
    scaled[reads_zero] = 0.0
    return scaled.astype(np.float32)
