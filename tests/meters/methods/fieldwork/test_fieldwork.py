"""Fieldwork: the calendar by hand and its least number of meters, outcomes of calls by hand, the case for use."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.methods.fieldwork import FieldCosts, case_for_use, contact_calendar
from ons_bigdata.meters.methods.fieldwork.calls import (
    CallPlan,
    calendar_calls,
    calls_per_contact,
    outcome_of_calls,
    saving,
    usual_calls,
)

BY_HAND = Path(__file__).parent.parent / "absence" / "homes_by_hand.py"
spec = importlib.util.spec_from_file_location("homes_by_hand", BY_HAND)
homes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(homes)

WEEKDAYS = np.array([1 + day % 7 for day in range(28)])


def town(meters: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Homes with use at 18:00 on every day and at noon of Sundays; each fifth home has no use at noon."""
    frames = []
    for meter in range(meters):
        kwh = np.full((28, 48), 0.05)
        kwh[:, 36] = 0.5
        if meter % 5:
            kwh[6::7, 24] = 0.5
        frames.append(homes.frame_of(kwh, meter=str(meter)))  # begins on a Monday
    areas = pl.DataFrame(
        {"meter": [str(n) for n in range(meters)], "area": ["a" if n < 10 else "b" for n in range(meters)]}
    )
    return pl.concat(frames), areas


def test_chances_of_the_calendar_by_hand():
    calendar = contact_calendar(*town(20)).filter(pl.col("area") == "a")
    chances = {(row["weekday"], row["period"]): row["chance"] for row in calendar.to_dicts()}
    assert chances[3, "17-19"] == 1.0
    assert chances[3, "11-13"] == 0.0
    assert chances[7, "11-13"] == 0.8
    assert calendar.height == 7 * 6
    assert set(calendar["meters"]) == {10}


def test_areas_of_less_than_ten_meters_have_no_rows():
    calendar = contact_calendar(*town(19))
    assert set(calendar["area"].to_list()) == {"a", None}
    with pytest.raises(ValueError, match="expected 10 or more"):
        contact_calendar(*town(19), least_meters=5)
    with pytest.raises(ValueError, match="found 9 meters"):
        contact_calendar(*town(9))
    assert "meter" not in calendar.columns


def test_outcomes_of_calls_by_hand():
    plan = CallPlan(day=np.array([[2, 0, 1], [0, 1, 2], [0, 1, 2]]), slot=np.full((3, 3), 20))
    awake = np.zeros((3, 3, 48), dtype=bool)
    awake[0, 1, 20] = awake[2, :, 20] = True
    outcome = outcome_of_calls(plan, awake, np.zeros((3, 3)), np.array([False, False, True]))
    assert outcome["calls"].to_list() == [2, 3, 0]  # calls are in the order of days
    assert outcome["is_contacted"].to_list() == [True, False, False]
    assert calls_per_contact(outcome) == 5
    unanswered = outcome_of_calls(plan, awake, np.full((3, 3), 0.9))
    assert not unanswered["is_contacted"].any()


def test_plans_have_a_call_a_day_and_the_calendar_takes_the_best_periods():
    random = np.random.default_rng(1)
    calendar = contact_calendar(*town(20))
    plan = calendar_calls(["a"] * 50, calendar, WEEKDAYS, 5, random)
    assert all(len(set(days)) == 5 for days in plan.day.tolist())
    assert ((plan.slot[:, 0] >= 34) & (plan.slot[:, 0] < 38)).all()
    usual = usual_calls(50, WEEKDAYS, 5, random)
    assert all(len(set(days)) == 5 for days in usual.day.tolist())
    awake = np.zeros((50, 28, 48), dtype=bool)
    awake[:, :, 34:38] = True
    answers = np.zeros((50, 5))
    saved, low, high = saving(outcome_of_calls(usual, awake, answers), outcome_of_calls(plan, awake, answers), 200, 1)
    assert low <= saved <= high
    assert saved > 0.3


def test_the_case_for_use_by_hand():
    table = case_for_use(
        np.array([0.9, 0.2, 0.8, 0.1]),
        np.array([True, True, False, False]),
        thresholds=[0.5, 0.85],
        prevalences=[0.1],
        costs=FieldCosts(call=10, missed_home=100, calls_at_empty_home=5, calls_at_occupied_home=2),
        homes=1000,
    )
    loose, strict = table.to_dicts()
    assert (loose["skipped_empty"], loose["skipped_occupied"]) == (50, 450)
    assert loose["calls_saved"] == 50 * 5 + 450 * 2
    assert loose["net_saving"] == 1150 * 10 - 450 * 100
    assert (strict["skipped_occupied"], strict["calls_saved"], strict["predictive_value"]) == (0, 250, 1.0)
    with pytest.raises(ValueError, match="prevalence"):
        case_for_use(
            np.array([0.9, 0.1]), np.array([True, False]), thresholds=[0.5], prevalences=[0], costs=FieldCosts(1, 1)
        )
    with pytest.raises(ValueError, match="call is -1"):
        FieldCosts(call=-1, missed_home=1)
