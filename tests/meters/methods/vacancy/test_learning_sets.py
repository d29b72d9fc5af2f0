"""Quarters from which vacancy is learnt, as they are published, by the days up to their end alone; calibration."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics
from ons_bigdata.meters.methods.absence.detection import judge_days
from ons_bigdata.meters.methods.absence.model import default_model
from ons_bigdata.meters.methods.vacancy.quarter_features import quarter_features
from ons_bigdata.simulation.meters.simulated_days import simulated_days

sys.path.append(str(Path(__file__).resolve().parents[4] / "scripts" / "meters"))
import fit_absence_model as script

HOMES, SEED = 4, 11


def test_published_quarters_have_the_features_that_the_days_up_to_their_end_give():
    values, truth = script.vacancy_sets(HOMES, SEED, default_model())
    published = truth.with_row_index().filter("is_published")
    assert values.shape[0] == truth.height
    assert published.height == HOMES * script.PUBLISHED
    assert published.select("meter", "quarter").is_unique().all()
    meters = script.varied(script.simulated(HOMES, SEED, script.MANY_EMPTY), 0.5, SEED)
    days = simulated_days(meters)
    for row, meter, quarter in published.select("index", "meter", "quarter").head(4).iter_rows():
        known = days.filter((pl.col("meter") == meter) & (pl.col("day").dt.truncate("1q") <= quarter))
        statistics = day_statistics(day_matrix(known))
        quarters = quarter_features(statistics, judge_days(statistics)[0])
        np.testing.assert_allclose(values[row], quarters.values[-1])


def test_a_steep_calibration_is_limited_and_keeps_the_score_of_an_even_chance():
    slope, intercept = script.limited(2.6, -1.0)
    assert slope == script.MOST_SLOPE
    assert -intercept / slope == pytest.approx(1.0 / 2.6)
    assert script.limited(0.9, -1.0) == (0.9, -1.0)
