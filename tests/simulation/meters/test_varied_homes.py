"""Homes varied and reshaped for the fit of models: equal seeds, which homes are touched, and what readings stay."""

from __future__ import annotations

import sys
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from ons_bigdata.simulation.meters.generators import simulate_meters
from ons_bigdata.simulation.meters.homes import HomeShares, draw_homes
from ons_bigdata.simulation.meters.simulated import SimulatedMeters

sys.path.append(str(Path(__file__).resolve().parents[3] / "scripts" / "meters"))
from varied_homes import reshaped, varied

FIRST_DAY, DAYS = date(2009, 9, 1), 120
SHARES = HomeShares(vacant_urban=0.2, vacant_rural=0.2, second_homes=0.1)


@cache
def some_meters() -> SimulatedMeters:
    homes = draw_homes(np.random.default_rng(4), 24, first_day=FIRST_DAY, days=DAYS, shares=SHARES)
    return simulate_meters(homes, seed=4, first_day=FIRST_DAY, days=DAYS)


def test_equal_seeds_give_equal_homes_and_others_others():
    meters = some_meters()
    first, again, other = (reshaped(meters, 0.8, seed)[0].kwh for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(varied(meters, 0.8, 1).kwh, varied(meters, 0.8, 1).kwh)


def test_only_homes_that_are_lived_in_are_reshaped_and_they_are_told():
    meters = some_meters()
    changed, is_reshaped = reshaped(meters, 0.8, 1)
    lived_in = (meters.homes["occupancy"] == "occupied").to_numpy()
    assert not is_reshaped[~lived_in].any()
    assert 0.5 < is_reshaped[lived_in].mean() < 1
    untouched = (changed.kwh == meters.kwh).all(axis=1)
    assert untouched[~is_reshaped].all()
    assert untouched[is_reshaped].mean() < 0.3  # of eight changes a home may get none
    assert not reshaped(meters, 0.0, 1)[1].any()


def test_vacant_homes_keep_their_load_and_readings_are_whole_watt_hours():
    meters = some_meters()
    vacant = (meters.homes["occupancy"] == "vacant").to_numpy()
    assert vacant.sum() > 1
    assert np.array_equal(varied(meters, 1.0, 1).kwh[vacant], meters.kwh[vacant])
    for kwh in (varied(meters, 1.0, 1).kwh, reshaped(meters, 1.0, 1)[0].kwh):
        assert kwh.dtype == np.float32
        assert kwh.min() >= 0
        assert np.abs(kwh * 1000 - np.round(kwh * 1000)).max() < 0.02
