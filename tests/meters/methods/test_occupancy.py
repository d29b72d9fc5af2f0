"""Absent days and vacant quarters in one pass are those of the single methods."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.absence import absence_spells, detect_absent_days
from ons_bigdata.meters.methods.fieldwork import contact_calendar
from ons_bigdata.meters.methods.occupancy import judge_occupancy
from ons_bigdata.meters.methods.vacancy import detect_vacancy, low_consumption_rule, stock_and_flow
from ons_bigdata.meters.schemas.days import AbsentDay, VacantQuarter
from ons_bigdata.meters.schemas.occupancy import AbsenceSpell, ContactChance, LowQuarter, VacancyFlow

BY_HAND = Path(__file__).parent / "absence" / "homes_by_hand.py"
spec = importlib.util.spec_from_file_location("homes_by_hand", BY_HAND)
homes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(homes)


def test_one_pass_gives_what_the_methods_give():
    kwh = homes.with_absence(200, 90, 9, 1)
    kwh[150, :20] = float("nan")
    days = pl.concat([homes.frame_of(kwh, meter=1), homes.frame_of(homes.empty(150, 2), meter=2)])
    frames = judge_occupancy(days)
    assert_frame_equal(frames["absent_days"], detect_absent_days(days))
    assert_frame_equal(frames["vacant_quarters"], detect_vacancy(days))
    assert_frame_equal(frames["low_quarters"], low_consumption_rule(days))
    assert frames["absent_days"]["absent"].null_count() == 1


def test_results_are_valid_frames():
    days = pl.concat([homes.frame_of(homes.with_absence(100, 60, 9, n), meter=str(n)) for n in range(10)])
    frames = judge_occupancy(days)
    AbsentDay.validate(frames["absent_days"])
    AbsenceSpell.validate(absence_spells(frames["absent_days"], days))
    VacantQuarter.validate(frames["vacant_quarters"])
    LowQuarter.validate(frames["low_quarters"])
    VacancyFlow.validate(stock_and_flow(frames["vacant_quarters"]))
    areas = pl.DataFrame({"meter": [str(n) for n in range(10)], "area": "a"})
    ContactChance.validate(contact_calendar(days, areas))
