"""Absent days by rule: an example by hand, an independent calculation, the budget of spikes, long absences."""

from __future__ import annotations

import importlib.util
import statistics as stats
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.methods.absence import absence_spells, detect_absent_days

spec = importlib.util.spec_from_file_location("homes_by_hand", Path(__file__).parent / "homes_by_hand.py")
homes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(homes)


def absent_numbers(kwh: np.ndarray, method: str = "rule") -> list[int]:
    return np.flatnonzero(detect_absent_days(homes.frame_of(kwh), method)["absent"].to_numpy()).tolist()


def test_a_week_with_a_single_morning_spike_is_one_spell():
    kwh = homes.with_absence(80, 40, 7, seed=1)
    kwh[43, 12] += 1.4  # 06:00
    judged = detect_absent_days(homes.frame_of(kwh), "rule")
    spells = absence_spells(judged, homes.frame_of(kwh))
    assert spells.height == 1
    assert spells.row(0, named=True)["days"] == 7
    assert (spells["first_day"][0] - homes.FIRST_DAY).days == 40
    assert 30 <= spells["left_slot"][0] <= 47  # the evening before ends the use


def test_more_spikes_than_the_budget_are_present_but_for_one_day_within_a_spell():
    kwh = homes.with_absence(80, 40, 7, seed=2)
    slots = (13, 16, 20, 24, 30, 36)
    kwh[42, slots] += 0.12
    assert absent_numbers(kwh) == list(range(40, 47))  # six spikes: bridged
    kwh[44, slots] += 0.12
    assert absent_numbers(kwh) == [40, 41, 42, 43, 45, 46]  # a second such day is not
    kwh[40, slots] += 0.12
    assert absent_numbers(kwh)[0] == 41  # nor the first day of a spell


def by_hand(kwh: np.ndarray, floor: float) -> list[bool]:
    """The rule in plain Python, without the bridge."""
    days = len(kwh)
    total = [float(day.astype(np.float32).astype(float).sum()) for day in kwh]
    night = [sorted(float(np.float32(value)) for value in day[4:10]) for day in kwh]
    middle = [stats.median(values) for values in night]
    spread = [np.quantile(values, 0.75) - np.quantile(values, 0.25) for values in night]
    result = []
    for day in range(days):
        near, far = (range(max(day - half, 0), min(day + half + 1, days)) for half in (14, 28))
        base = stats.median(middle[other] for other in near)
        sd = stats.median(spread[other] for other in near) / 1.349
        level = base + max(3 * sd, 0.08)
        spikes = sum(float(np.float32(value)) > level for value in kwh[day][12:47])
        usual = max(stats.median(total[other] for other in far), 0.5 * stats.median(total), floor)
        result.append(total[day] < 0.7 * usual and spikes <= 4)
    return result


@pytest.mark.parametrize("seed", [3, 4])
def test_agrees_with_a_calculation_in_plain_python(seed: int):
    kwh = homes.with_absence(70, 25, 9, seed)
    kwh[50] = homes.empty(1, seed)[0]
    judged = detect_absent_days(homes.frame_of(kwh), "rule", peer_floor_kwh=1.5)
    assert judged["absent"].to_list() == by_hand(kwh, 1.5)


def test_a_long_run_of_zeros_is_absent_by_the_lifetime_baseline():
    kwh = homes.lived_in(300, 5)
    kwh[120:201] = 0
    assert set(range(120, 201)) <= set(absent_numbers(kwh))


def test_a_day_with_too_few_readings_is_not_judged():
    kwh = homes.lived_in(40, 6)
    kwh[10, :5] = np.nan
    kwh[11, :4] = np.nan
    judged = detect_absent_days(homes.frame_of(kwh), "rule")
    assert judged["absent"][10] is None
    assert judged["probability_absent"][10] is None
    assert judged["absent"][11] is not None


def test_spells_continue_over_a_day_that_could_not_be_judged():
    days = pl.DataFrame(
        {
            "meter": ["1"] * 6,
            "day": homes.frame_of(np.zeros((6, 48)))["day"],
            "absent": [True, None, True, False, True, None],
        }
    )
    assert absence_spells(days)["days"].to_list() == [3, 1]
