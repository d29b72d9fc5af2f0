"""Absent days by all methods: types, independence of meters, bad input, and what must not be taken for absence."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.absence import absence_spells, detect_absent_days
from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.evaluation.scores import matthews_correlation

spec = importlib.util.spec_from_file_location("homes_by_hand", Path(__file__).parent / "homes_by_hand.py")
homes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(homes)

METHODS = ("rule", "hmm", "boosted")


@pytest.mark.parametrize("method", METHODS)
def test_a_week_of_absence_is_one_spell_with_a_morning_spike(method: str):
    kwh = homes.with_absence(120, 60, 7, seed=11)
    kwh[63, 12] += 1.4
    judged = detect_absent_days(homes.frame_of(kwh), method)
    spells = absence_spells(judged)
    assert [(spell["first_day"] - homes.FIRST_DAY).days for spell in spells.to_dicts()] == [60]
    assert spells["days"].to_list() == [7]


@pytest.mark.parametrize("method", METHODS)
def test_the_result_of_a_meter_depends_on_its_rows_alone(method: str):
    parts = [homes.frame_of(homes.with_absence(90, 20 * n, 5, n), meter=n) for n in (1, 2, 3)]
    together = detect_absent_days(pl.concat(parts).sample(fraction=1, shuffle=True, seed=1), method)
    apart = pl.concat([detect_absent_days(part, method) for part in parts])
    assert_frame_equal(together, apart)
    assert together.schema["meter"] == pl.Int64


def test_missing_days_are_null_and_change_nothing_else_in_kind():
    frame = homes.frame_of(homes.lived_in(60, 12))
    judged = detect_absent_days(frame.filter(pl.col("day").dt.day() != 20), "boosted")
    assert judged.height == frame.filter(pl.col("day").dt.day() != 20).height
    assert judged["absent"].null_count() == 0


@pytest.mark.parametrize("method", ["hmm", "boosted"])
def test_a_constant_load_is_never_present(method: str):
    kwh = homes.lived_in(200, 13)
    kwh[100:] = 0.05
    absent = detect_absent_days(homes.frame_of(kwh), method)["absent"].to_numpy()
    assert absent[105:].mean() > 0.95
    assert absent[:95].mean() < 0.05


@pytest.mark.parametrize("shape", ["usual", "works by night", "fainter on half of the days", "cycles by day and night"])
def test_a_home_that_is_never_left_gets_no_flags(shape: str):
    kwh = np.concatenate([homes.lived_in(300, seed) for seed in (21, 22, 23)]).reshape(3, 300, 48)
    if shape == "works by night":
        kwh = np.roll(kwh.reshape(3, -1), -14, axis=1).reshape(kwh.shape)
    if shape == "fainter on half of the days":
        kwh[:, ::2] = np.minimum(kwh[:, ::2], 0.06) + 0.4 * np.maximum(kwh[:, ::2] - 0.06, 0)
    if shape == "cycles by day and night":
        kwh += 0.15 * (np.sin(np.arange(300 * 48) * 0.9) > 0.3).reshape(300, 48)
    judged = detect_absent_days(pl.concat([homes.frame_of(home, meter=n) for n, home in enumerate(kwh)]))
    assert judged.group_by("meter").agg(pl.col("absent").mean())["absent"].max() <= 0.01


def test_shuffled_labels_have_no_correlation_with_the_judgement():
    kwh = np.concatenate([homes.with_absence(200, 30 + 10 * n, 20, n) for n in range(4)])
    absent = detect_absent_days(homes.frame_of(kwh), "boosted")["absent"].to_numpy()
    labels = np.random.default_rng(5).permutation(absent)
    assert abs(matthews_correlation(labels, absent)) < 0.1


def test_days_of_a_clock_change_have_their_half_hours_by_the_clock():
    frame = homes.frame_of(np.tile(np.arange(48.0), (3, 1)), first_day=date(2010, 3, 27))
    spring = [float(slot) for slot in range(48) if slot not in (2, 3)]
    autumn = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, *[float(slot) for slot in range(4, 48)]]
    lists = pl.Series([frame["kwh_halfhours"][0].to_list(), spring, autumn], dtype=pl.List(pl.Float32))
    kwh = day_matrix(frame.with_columns(kwh_halfhours=lists)).kwh
    assert np.isnan(kwh[1, 2:4]).all()
    assert np.array_equal(kwh[1, 4:], np.arange(4.0, 48))
    assert kwh[2, 2:4].tolist() == [3.0, 4.0]
    assert np.array_equal(kwh[2, 4:], np.arange(4.0, 48))


@pytest.mark.parametrize("method", METHODS)
def test_days_of_a_clock_change_are_no_absence(method: str):
    kwh = homes.lived_in(90, 14)
    frame = homes.frame_of(kwh, first_day=date(2010, 2, 10))
    rows = frame["kwh_halfhours"].to_list()
    changed = frame["day"].to_list().index(date(2010, 3, 28))
    rows[changed] = rows[changed][:2] + rows[changed][4:]
    lists = pl.Series(rows, dtype=pl.List(pl.Float32))
    judged = detect_absent_days(frame.with_columns(kwh_halfhours=lists), method)
    assert judged["absent"][changed] is False
    whole = detect_absent_days(frame, method)
    assert (whole["absent"] == judged["absent"]).mean() > 0.98


def test_an_empty_frame_gives_an_empty_one():
    empty = homes.frame_of(homes.lived_in(1, 1)).clear()
    assert detect_absent_days(empty, "boosted").columns == ["meter", "day", "probability_absent", "absent"]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda frame: frame, {"method": "tree"}, "rule"),
        (lambda frame: frame.drop("day"), {}, "column day is missing"),
        (lambda frame: pl.concat([frame, frame]), {}, "more than one row"),
        (lambda frame: frame, {"bound": 1.5}, "bound is 1.5"),
        (lambda frame: frame, {"peer_floor_kwh": -1.0}, "peer_floor_kwh is -1.0"),
        (lambda frame: frame.with_columns(pl.col("kwh_halfhours").list.head(47)), {}, "47 half hours on 2010-06-07"),
        (lambda frame: frame.with_columns(pl.col("day").cast(pl.String)), {}, "expected Date"),
    ],
)
def test_bad_input_is_refused_with_what_was_found(change: object, options: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        detect_absent_days(change(homes.frame_of(homes.lived_in(3, 1))), **options)
