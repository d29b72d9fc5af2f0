"""Loads of the tuning generator: what runs whoever is at home, and what people who are awake switch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.meters.clock import HalfHours


@dataclass(frozen=True)
class Appliance:
    """An appliance that somebody awake starts: how often, when, and how much it uses."""

    owned: float
    """Share of the homes that have it."""
    uses_per_day: float
    """Uses per day in a home of two, before the home's own habits."""
    hours: tuple[tuple[float, float, float], ...]
    """Bumps of the chance by local time: centre and width in hours, height."""
    kwh: tuple[float, ...]
    """Energy of each half hour from the start."""
    spread: float
    """Standard deviation of the logarithm of the energy of a use."""
    by_size: float = 0.5
    """Exponent of the household size."""


APPLIANCES = (
    Appliance(
        1.0, 4.0, ((7.5, 1.0, 1.0), (10.5, 1.5, 0.6), (13.0, 1.0, 0.7), (17.5, 2.0, 0.7), (21, 1, 0.5)), (0.07,), 0.3
    ),
    Appliance(0.95, 1.0, ((17.8, 1.1, 1.0), (12.7, 0.8, 0.25)), (0.45, 0.15), 0.4),
    Appliance(0.7, 0.35, ((17.3, 1.3, 1.0), (12.5, 1.0, 0.4)), (0.6, 0.45, 0.25), 0.3),
    Appliance(0.9, 1.3, ((7.8, 0.8, 0.5), (12.8, 1.0, 0.6), (18.3, 1.5, 1.0)), (0.13,), 0.4),
    Appliance(0.95, 0.55, ((10.0, 2.0, 1.0), (17.0, 3.0, 0.5)), (0.4, 0.25, 0.08), 0.35, 0.8),
    Appliance(0.45, 0.3, ((12.0, 3.0, 1.0), (18.5, 2.5, 0.7)), (0.85, 0.45, 0.15), 0.25, 0.8),
    Appliance(0.45, 0.6, ((19.8, 1.4, 1.0), (13.5, 1.0, 0.3)), (0.5, 0.15, 0.35), 0.25, 0.6),
    Appliance(0.5, 1.3, ((7.4, 0.7, 1.0), (20.5, 2.0, 0.4)), (0.5,), 0.3, 0.9),
    Appliance(0.9, 0.25, ((11.0, 2.0, 1.0),), (0.25, 0.1), 0.5),
    Appliance(0.3, 0.4, ((19.5, 2.0, 1.0), (7.2, 0.8, 0.5)), (1.0, 0.5), 0.3, 0.4),
)
"""Kettle, hob, oven, microwave, washing machine, dryer, dishwasher, shower, vacuum cleaner, immersion heater."""


def add_appliances(
    rng: Generator,
    kwh: NDArray[np.float32],
    awake: NDArray[np.uint8],
    busy: NDArray[np.float32],
    size: NDArray[np.float64],
    clock: HalfHours,
) -> None:
    """Add the uses of all appliances to `kwh` (homes × half hours), only where somebody is awake at their start.

    `busy`: factor of the number of uses, homes × days.
    """
    cells = np.flatnonzero(awake)
    if cells.size == 0:
        return
    half_hours = clock.count
    home, half_hour = np.divmod(cells, half_hours)
    slot = clock.slot[half_hour]
    busy_then = busy[home, clock.day[half_hour]]
    habit = rng.lognormal(0.0, 0.25, size.size)
    tilt = np.exp(rng.normal(-0.35, 0.45, size.size)[:, None] * np.cos(2 * np.pi * (np.arange(48) - 38) / 48)).astype(
        np.float32
    )
    flat = kwh.reshape(-1)
    for appliance in APPLIANCES:
        owns = rng.random(size.size) < appliance.owned
        rate = owns * appliance.uses_per_day * habit * (np.maximum(size, 1) / 2.0) ** appliance.by_size
        rate = (rate * rng.lognormal(0.0, 0.4, size.size)).astype(np.float32)
        weight = _weights(appliance.hours)
        scale = rng.lognormal(0.0, 0.2, size.size).astype(np.float32)
        starts = rng.random(cells.size, dtype=np.float32) < rate[home] * weight[slot] * tilt[home, slot] * busy_then
        place = cells[starts]
        amount = scale[home[starts]] * np.exp(
            appliance.spread * rng.standard_normal(place.size, dtype=np.float32) - 0.5 * appliance.spread**2
        )
        for after, energy in enumerate(appliance.kwh):
            fits = half_hour[starts] + after < half_hours
            flat[place[fits] + after] += energy * amount[fits]


def _weights(hours: tuple[tuple[float, float, float], ...]) -> NDArray[np.float32]:
    """Share of a day's uses by slot. It sums to 1.6, since nobody is awake at home all day."""
    slots = (np.arange(48) + 0.5) / 2
    weight = np.full(48, 0.01)
    for centre, width, height in hours:
        apart = (slots - centre + 12.0) % 24.0 - 12.0
        weight += height * np.exp(-0.5 * (apart / width) ** 2)
    return (1.6 * weight / weight.sum()).astype(np.float32)


def base_load(rng: Generator, homes: int, clock: HalfHours, median_kwh: float, sigma: float) -> NDArray[np.float32]:
    """Standby of each home: log-normal between homes, drifting by day, with a little noise by half hour."""
    level = rng.lognormal(np.log(median_kwh), sigma, homes).astype(np.float32)
    drift = daily_factor(rng, homes, clock.days, 0.05, 0.9)
    load = (level[:, None] * drift)[:, clock.day]
    load *= 1.0 + 0.015 * rng.standard_normal(load.shape, dtype=np.float32)
    return load


def daily_factor(
    rng: Generator, homes: int, days: int, sigma: NDArray[np.float64] | float, correlation: float
) -> NDArray[np.float32]:
    """Factor of each home and day with a mean of one: exponential of a first-order autoregression."""
    shocks = np.sqrt(1 - correlation**2) * rng.standard_normal((homes, days))
    log = np.zeros((homes, days))
    log[:, 0] = rng.standard_normal(homes)
    for day in range(1, days):
        log[:, day] = correlation * log[:, day - 1] + shocks[:, day]
    spread = np.broadcast_to(np.asarray(sigma, dtype=np.float64), (homes,))[:, None]
    return np.exp(spread * log - 0.5 * spread**2).astype(np.float32)


def fridge_load(rng: Generator, homes: int, clock: HalfHours, temperature: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compressors that run for part of a cycle of one to two hours; half hours cut across the cycles."""
    load = np.zeros((homes, clock.count), dtype=np.float32)
    for share, power_kw in ((1.0, 0.085), (0.45, 0.1)):
        power = (rng.random(homes) < share) * rng.lognormal(np.log(power_kw), 0.35, homes)
        cycles = 0.5 / rng.uniform(1.0, 2.0, homes)
        duty = np.clip(rng.normal(0.38, 0.08, homes), 0.2, 0.6)
        speed = cycles[:, None] * (1.0 + 0.12 * rng.standard_normal((homes, clock.count), dtype=np.float32))
        phase = np.cumsum(np.maximum(speed, 0.02), axis=1) + rng.random(homes)[:, None]
        duty_now = duty[:, None] * (1.0 + 0.012 * (temperature - 10.0))[clock.day]
        on = np.floor(phase) * duty_now + np.minimum(phase % 1.0, duty_now)
        ran = np.diff(on, axis=1, prepend=on[:, :1] - (cycles * duty)[:, None])
        ran = np.clip(ran / np.maximum(speed, 0.02), 0.0, 1.0)
        load += (0.5 * power[:, None] * ran).astype(np.float32)
    return load


def timer_load(rng: Generator, homes: int, clock: HalfHours, share: float) -> NDArray[np.float32]:
    """Loads by timer at the same local time whether or not anybody is there: water heaters, lamps, pumps."""
    load = np.zeros((homes, clock.count), dtype=np.float32)
    kinds = ((0.45, 0.4, 4, (0, 48)), (1.0, 0.035, 12, (0, 48)), (0.5, 0.15, 8, (12, 38)))
    for owned, kwh, longest, starts in kinds:
        has = np.flatnonzero(rng.random(homes) < owned * share)
        start = rng.integers(*starts, has.size)
        length = rng.integers(1, longest + 1, has.size)
        energy = (kwh * rng.lognormal(0.0, 0.4, has.size)).astype(np.float32)
        runs = (clock.slot - start[:, None]) % 48 < length[:, None]
        load[has] += runs * energy[:, None] * rng.uniform(0.92, 1.08, runs.shape).astype(np.float32)
    return load


def lighting_and_screens(
    rng: Generator, awake: NDArray[np.uint8], size: NDArray[np.float64], clock: HalfHours
) -> NDArray[np.float32]:
    """Light in the dark and electronics of the people awake, with persistent noise of each home."""
    homes = len(awake)
    light = rng.lognormal(np.log(0.025), 0.5, homes).astype(np.float32)
    screen = rng.lognormal(np.log(0.028), 0.5, homes).astype(np.float32) * (np.maximum(size, 1) / 2) ** 0.3
    crowd = np.sqrt(np.arange(16, dtype=np.float32))[np.minimum(awake, 15)]
    wobble = np.exp(0.55 * rng.standard_normal(awake.shape, dtype=np.float32))
    return (crowd * wobble * (light[:, None] * clock.darkness + screen[:, None].astype(np.float32))).astype(np.float32)


def heating_load(
    rng: Generator,
    homes: pl.DataFrame,
    awake: NDArray[np.uint8],
    is_away: NDArray[np.bool_],
    clock: HalfHours,
    temperature: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Electric heating by night or while people are up, low in absence; pumps and fans of other boilers."""
    electric = homes["has_electric_heating"].to_numpy()
    need = np.maximum(15.0 - temperature, 0.0)[clock.day].astype(np.float32)
    count = homes.height
    by_night = rng.random(count) < 0.5
    size = rng.lognormal(np.log(0.05), 0.35, count).astype(np.float32) * electric
    night = ((clock.slot < 14) | (clock.slot >= 46)).astype(np.float32)
    heating = np.where(by_night[:, None], 1.7 * night, 0.25 + 0.9 * (awake > 0))
    load = size[:, None] * need * heating.astype(np.float32) * np.where(is_away, np.float32(0.25), np.float32(1.0))
    pump = rng.lognormal(np.log(0.03), 0.4, count) * (~electric) * (rng.random(count) < 0.8)
    on = ((clock.slot >= 13) & (clock.slot < 17)) | ((clock.slot >= 33) & (clock.slot < 44))
    by_timer = rng.random(count) < 0.35
    runs = on & np.where(by_timer[:, None], True, awake > 0)
    runs = runs & (np.where(by_timer[:, None], True, ~is_away))
    load += pump[:, None].astype(np.float32) * np.minimum(need / 8.0, 1.0) * runs
    return load.astype(np.float32)


def comfort_load(
    rng: Generator, awake: NDArray[np.uint8], clock: HalfHours, temperature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Fan heaters in the cold, and fans and coolers in the warmth, on days and hours on which they are wanted."""
    homes = len(awake)
    cold, warm = np.maximum(11.0 - temperature, 0.0), np.maximum(temperature - 14.5, 0.0)
    per_degree = rng.exponential(0.026, homes)[:, None] * cold + rng.exponential(0.03, homes)[:, None] * warm
    wanted = rng.random((homes, clock.days)) < rng.beta(1.2, 1.2, homes)[:, None]
    by_day = (per_degree * wanted * rng.uniform(0.5, 2.2, wanted.shape)).astype(np.float32)
    runs = (awake > 0) & (rng.random(awake.shape, dtype=np.float32) < 0.4)
    return by_day[:, clock.day] * runs


def busy_days(rng: Generator, homes: int, days: int, busy_share: float) -> NDArray[np.float32]:
    """Factor of what people use on each day: usual days differ little, busy ones (washing, guests) are far above."""
    usual = daily_factor(rng, homes, days, rng.uniform(0.1, 0.37, homes), 0.35)
    is_busy = rng.random((homes, days)) < busy_share * rng.uniform(0.3, 1.7, homes)[:, None]
    extra = rng.uniform(0.4, 1.5, homes)[:, None] * rng.exponential(1.0, (homes, days))
    return (usual * (1.0 + is_busy * extra)).astype(np.float32)


def left_on(
    rng: Generator, usual_kwh: NDArray[np.float32], is_away: NDArray[np.bool_], clock: HalfHours
) -> NDArray[np.float32]:
    """Loads that people leave on for some weeks in which they are away: heating, dehumidifiers, lights.

    `usual_kwh`: mean use per half hour of each home with people in it.
    """
    homes = usual_kwh.size
    weeks = clock.days // 7 + 1
    often = rng.beta(0.4, 2.4, homes)[:, None]
    share = (rng.random((homes, weeks)) < often) * rng.uniform(0.0, 0.9, (homes, weeks))
    by_week = (share * usual_kwh[:, None]).astype(np.float32)
    load = by_week[:, clock.day // 7] * is_away
    load *= rng.uniform(0.9, 1.1, load.shape).astype(np.float32)
    return load


def switch_off(rng: Generator, kwh: NDArray[np.float32], is_shut: NDArray[np.bool_]) -> None:
    """Leave a part of the load of shut homes, of which other devices are switched off."""
    left = rng.uniform(0.15, 0.8, len(kwh)).astype(np.float32)
    kwh *= np.where(is_shut, left[:, None], np.float32(1.0))


def take_solar(rng: Generator, kwh: NDArray[np.float32], has_solar: NDArray[np.bool_], clock: HalfHours) -> None:
    """Replace consumption by what is imported besides the home's panels: zero while they make more than is used."""
    homes = int(has_solar.sum())
    if homes == 0:
        return
    peak = rng.lognormal(np.log(0.9), 0.45, homes).astype(np.float32)
    clear = np.clip(rng.beta(1.6, 1.3, clock.days), 0.08, 1.0).astype(np.float32)
    sun = np.maximum(clock.sun_elevation, 0.0) ** 1.1 * clear[clock.day]
    cloud = rng.uniform(0.6, 1.15, (homes, clock.count)).astype(np.float32)
    kwh[has_solar] = np.maximum(kwh[has_solar] - peak[:, None] * sun * cloud, 0.0)


def controlled_load(rng: Generator, at_home: NDArray[np.uint8], clock: HalfHours) -> NDArray[np.float32]:
    """Water heating from 23:00 until the day's use is made good; zero otherwise."""
    homes = len(at_home)
    present = np.add.reduceat(at_home, clock.starts[:-1], axis=1, dtype=np.int64) / clock.per_day
    need = rng.lognormal(np.log(1.1), 0.3, homes)[:, None] + rng.lognormal(np.log(1.6), 0.3, homes)[:, None] * present
    need *= rng.uniform(0.75, 1.25, need.shape)
    rate = rng.uniform(0.9, 1.8, homes)[:, None]
    order = (clock.slot - 46) % 48
    belongs = np.maximum(clock.day - (clock.slot < 46), 0)
    left = need[:, belongs] - order * rate
    return (np.clip(left, 0.0, rate) * (order < 16)).astype(np.float32)
