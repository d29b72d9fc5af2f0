"""Vacant quarters by the shipped model: onset, timers, zero-reading meters, second homes, types, bad input."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.vacancy import detect_vacancy
from ons_bigdata.meters.methods.vacancy.model import default_model, model_from_json, model_to_json

BY_HAND = Path(__file__).parent.parent / "absence" / "homes_by_hand.py"
spec = importlib.util.spec_from_file_location("homes_by_hand", BY_HAND)
homes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(homes)

FIRST = date(2010, 1, 1)


def judged(kwh: np.ndarray, meter: object = "1") -> pl.DataFrame:
    return detect_vacancy(homes.frame_of(kwh, meter=meter, first_day=FIRST))


def test_a_home_that_is_left_is_vacant_from_the_first_whole_quarter_with_its_onset():
    kwh = homes.lived_in(365, 1)
    kwh[165:] = homes.empty(200, 2, base=0.02)
    result = judged(kwh)
    assert result["quarter"].to_list() == [date(2010, month, 1) for month in (1, 4, 7, 10)]
    assert result["vacant"].to_list() == [False, False, True, True]
    assert [abs((onset - FIRST).days - 165) <= 2 for onset in result["onset"][2:]] == [True, True]
    assert result["onset"][:2].is_null().all()


def test_timers_in_an_empty_home_stay_vacant():
    kwh = homes.empty(365, 3, base=0.012)
    kwh[:, 36:44] += 0.02  # a lamp by a timer, each evening
    result = judged(kwh)
    assert result["vacant"].all()
    assert result["onset"].to_list() == [FIRST] * 4


def test_a_home_lived_in_is_never_vacant_however_frugal():
    kwh = homes.lived_in(365, 4, base=0.02) * 0.5
    assert not judged(kwh)["vacant"].any()


def test_a_zero_reading_meter_is_kept_apart():
    result = judged(np.zeros((180, 48)))
    assert result["reads_zero"].all()
    assert not judged(homes.lived_in(180, 5))["reads_zero"].any()


def test_a_quarter_with_half_of_its_days_missing_is_not_judged():
    kwh = homes.lived_in(180, 6)
    kwh[:60] = np.nan
    result = judged(kwh)
    assert result["vacant"].to_list() == [None, False]
    assert result["probability_vacant"][0] is None


def test_the_result_of_a_meter_depends_on_its_rows_alone():
    parts = [homes.frame_of(homes.lived_in(100 + n, n), meter=n, first_day=FIRST) for n in (1, 2)]
    parts.append(homes.frame_of(homes.empty(120, 3), meter=3, first_day=FIRST))
    together = detect_vacancy(pl.concat(parts))
    assert_frame_equal(together, pl.concat([detect_vacancy(part) for part in parts]))
    assert together.schema["meter"] == pl.Int64


def test_the_shipped_model_is_read_and_written_without_change_and_a_bad_one_refused():
    text = model_to_json(default_model())
    assert model_to_json(model_from_json(text)) == text
    with pytest.raises(ValueError, match="not those of this version"):
        model_from_json(text.replace("log_kwh", "kwh"))
    with pytest.raises(ValueError, match="not the JSON"):
        model_from_json("{}")
    with pytest.raises(ValueError, match="bound is 0"):
        detect_vacancy(homes.frame_of(homes.lived_in(3, 1)), bound=0.0)
