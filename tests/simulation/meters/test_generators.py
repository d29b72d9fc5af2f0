"""Both generators: equal arguments give equal values, truth agrees with consumption, statistics within bounds."""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from ons_bigdata.simulation.meters.clock import HalfHours
from ons_bigdata.simulation.meters.generators import BLOCK, GENERATORS, Simulation, simulate_meters
from ons_bigdata.simulation.meters.homes import HomeShares, draw_homes
from ons_bigdata.simulation.meters.realism import days_by_clock, measure_homes
from ons_bigdata.simulation.meters.simulated import SimulatedMeters

FIRST_DAY, DAYS = date(2009, 9, 1), 240
MANY_EMPTY = HomeShares(vacant_urban=0.2, vacant_rural=0.2, second_homes=0.15, become_vacant_per_quarter=0.05)
BOTH = pytest.mark.parametrize("generator", sorted(GENERATORS))


@cache
def some_meters(generator: str) -> SimulatedMeters:
    homes = draw_homes(np.random.default_rng(4), 60, first_day=FIRST_DAY, days=DAYS, shares=MANY_EMPTY)
    return simulate_meters(homes, seed=4, first_day=FIRST_DAY, days=DAYS, generator=generator)


@BOTH
def test_equal_arguments_give_equal_values_and_other_seeds_others(generator: str) -> None:
    homes = draw_homes(np.random.default_rng(1), 6, first_day=FIRST_DAY, days=10)
    first, again, other = (
        simulate_meters(homes, seed=seed, first_day=FIRST_DAY, days=10, generator=generator) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.kwh, again.kwh)
    assert first.absent_days.equals(again.absent_days)
    assert not np.array_equal(first.kwh, other.kwh)


@BOTH
def test_blocks_are_the_meters_in_order(generator: str) -> None:
    homes = draw_homes(np.random.default_rng(1), BLOCK + 3, first_day=FIRST_DAY, days=3)
    blocks = list(Simulation(1, FIRST_DAY, 3, generator).blocks(homes))
    together = simulate_meters(homes, seed=1, first_day=FIRST_DAY, days=3, generator=generator)
    assert [block.homes.height for block in blocks] == [BLOCK, 3]
    assert np.array_equal(np.concatenate([block.kwh for block in blocks]), together.kwh)


@BOTH
def test_readings_are_whole_watt_hours_of_a_home_supply(generator: str) -> None:
    kwh = some_meters(generator).kwh
    assert kwh.dtype == np.float32
    assert kwh.min() == 0
    assert kwh.max() < 20
    assert np.abs(kwh * 1000 - np.round(kwh * 1000)).max() < 0.01


@BOTH
def test_absent_days_are_those_without_anybody_at_home(generator: str) -> None:
    meters = some_meters(generator)
    starts = HalfHours(FIRST_DAY, DAYS, meters.timezone).starts
    at_home = np.stack([meters.people_at_home[:, first:end].max(axis=1) for first, end in pairwise(starts)])
    assert (meters.absent_days["absent"].to_numpy() == (at_home.T == 0).ravel()).all()
    assert (meters.people_awake <= meters.people_at_home).all()
    size = meters.homes["household_size"].fill_null(0).to_numpy()
    assert (meters.people_at_home.max(axis=1) <= size).all()


@BOTH
def test_nobody_is_in_vacant_homes_and_they_use_little(generator: str) -> None:
    meters = some_meters(generator)
    throughout = meters.homes.with_row_index().filter(
        (pl.col("vacant_from") < FIRST_DAY) & pl.col("vacant_until").is_null()
    )
    rows = throughout["index"].to_numpy()
    assert rows.size > 3
    assert not meters.people_at_home[rows].any()
    per_quarter = meters.kwh[rows].sum(axis=1) / DAYS * 91.3
    reads_zero = throughout["reads_zero"].to_numpy()
    assert (per_quarter[reads_zero] == 0).all()
    assert ((per_quarter[~reads_zero] > 0) & (per_quarter[~reads_zero] < 185)).all()


@BOTH
def test_a_home_is_used_until_it_becomes_vacant(generator: str) -> None:
    meters = some_meters(generator)
    onset = meters.homes.with_row_index().filter(
        (pl.col("vacant_from") > date(2009, 10, 15)) & pl.col("vacant_until").is_null()
    )
    assert onset.height > 1
    days = days_by_clock(meters)
    for row, begins in onset.select("index", "vacant_from").iter_rows():
        number = (begins - FIRST_DAY).days
        assert np.nansum(days[row, :number], axis=1).mean() > 1.5 * np.nansum(days[row, number:], axis=1).mean()


@BOTH
def test_second_homes_are_empty_most_days_and_never_vacant(generator: str) -> None:
    meters = some_meters(generator)
    second = meters.homes.filter(pl.col("occupancy") == "second_home")
    assert second["vacant_from"].is_null().all()
    absent = meters.absent_days.join(second, on="meter", how="semi").group_by("meter").agg(pl.col("absent").mean())
    assert absent["absent"].min() > 0.4  # type: ignore[operator]
    assert (absent["absent"] < 1).mean() > 0.7  # type: ignore[operator]  # some are for the summer only


@BOTH
def test_given_trips_are_absences(generator: str) -> None:
    homes = draw_homes(np.random.default_rng(1), 3, first_day=FIRST_DAY, days=12)
    trips = pl.DataFrame(
        {"meter": [homes["meter"][1]], "first_date": [date(2009, 9, 3)], "last_date": [date(2009, 9, 8)]}
    )
    meters = simulate_meters(homes, seed=1, first_day=FIRST_DAY, days=12, generator=generator, trips=trips)
    absent = meters.absent_days.filter((pl.col("meter") == homes["meter"][1]) & pl.col("absent"))["day"].to_list()
    assert {date(2009, 9, day) for day in (4, 5, 6, 7)} <= set(absent)


@BOTH
def test_statistics_of_homes_are_within_bounds(generator: str) -> None:
    """Loose bounds on few homes; the script scripts/meters/simulated_meters_realism.py compares many with real ones."""
    meters = some_meters(generator)
    lived_in = (meters.homes["occupancy"] == "occupied").to_numpy()
    measured = measure_homes(days_by_clock(meters)[lived_in])
    median = {name: float(measured[name].fill_nan(None).median() or 0) for name in measured.columns}  # type: ignore[arg-type]
    assert 6 < median["mean_day"] < 14
    assert 0.25 < median["cv_day"] < 0.6
    assert 0.2 < median["night_level"] < 0.6
    assert 0.4 < median["ac1"] < 0.8
    assert median["ac48"] > 0.08
    assert median["zero"] < 0.001


def test_unknown_generators_and_no_homes_are_refused() -> None:
    homes = draw_homes(np.random.default_rng(1), 2, first_day=FIRST_DAY, days=2)
    with pytest.raises(ValueError, match="generator 'x' is unknown; expected chain or bouts"):
        simulate_meters(homes, seed=1, first_day=FIRST_DAY, days=2, generator="x")
    with pytest.raises(ValueError, match="no homes"):
        simulate_meters(homes[:0], seed=1, first_day=FIRST_DAY, days=2)
    with pytest.raises(ValueError, match="meters is 0"):
        draw_homes(np.random.default_rng(1), 0, first_day=FIRST_DAY, days=2)
