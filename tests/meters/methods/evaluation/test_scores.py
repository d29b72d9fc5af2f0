"""Scores of judgements: against scikit-learn, by hand, and properties of recall at a rate of false alarms."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef

from ons_bigdata.meters.methods.evaluation.ground_truth import absent_days_of_presence, presence_scores
from ons_bigdata.meters.methods.evaluation.scores import (
    bootstrap_over_homes,
    calibration_slope,
    day_scores,
    joined_judgement,
    matthews_correlation,
    precision_at_prevalence,
    recall_at_false_alarms,
    scores_by_home,
    spell_scores,
)

DAYS = [date(2010, 1, 1) + timedelta(days=number) for number in range(10)]


def judged(absent: str, flagged: str, meter: str = "1") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "meter": meter,
            "day": DAYS[: len(absent)],
            "absent": [letter == "x" for letter in absent],
            "flagged": [letter == "x" for letter in flagged],
            "probability_absent": [0.9 if letter == "x" else 0.1 for letter in flagged],
        }
    )


def test_matthews_correlation_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    truth, found = random.random(200) < 0.2, random.random(200) < 0.3
    assert matthews_correlation(truth, found) == pytest.approx(matthews_corrcoef(truth, found))
    assert matthews_correlation(truth, np.zeros(200, dtype=bool)) == 0.0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])), min_size=2), st.floats(0, 0.5))
def test_recall_never_costs_more_false_alarms_than_allowed(pairs: list[tuple[bool, float]], rate: float):
    truth, probability = (np.array(column) for column in zip(*pairs, strict=True))
    recall = recall_at_false_alarms(truth, probability, rate)
    if not truth.any() or truth.all():
        assert math.isnan(recall)
        return
    reachable = [
        (probability[truth] > bound).mean()
        for bound in [-1.0, 0.0, 0.2, 0.5, 0.9, 1.0]
        if (probability[~truth] > bound).mean() <= rate
    ]
    assert recall == pytest.approx(max(reachable))


def test_precision_at_two_percent_is_that_of_the_notes():
    assert precision_at_prevalence(0.9, 0.022, 0.02) == pytest.approx(0.455, abs=0.01)


def test_spells_by_hand():
    scores = spell_scores(judged("..xxxx..xx", ".xxxx....."))
    assert scores["spells"] == 2
    assert scores["found_share"] == 0.5
    assert scores["overlap"] == pytest.approx((3 / 5 + 0) / 2)
    assert scores["onset_error_days"] == 1
    assert scores["end_error_days"] == 1


def test_scores_of_days_by_hand_and_by_home():
    frame = pl.concat([judged("xx........", "x.x......."), judged("..........", "..........", "2")])
    scores = day_scores(frame)
    assert scores["recall"] == 0.5
    assert scores["precision"] == 0.5
    assert scores["false_day_share"] == pytest.approx(1 / 18)
    table = scores_by_home(frame)
    assert table["meter"].to_list() == ["1", "2", None]
    low, high = bootstrap_over_homes(frame, "false_day_share", draws=200)
    assert low == 0.0
    assert high == pytest.approx(1 / 8)
    with pytest.raises(ValueError, match="unknown"):
        bootstrap_over_homes(frame, "accuracy")


def test_days_not_judged_count_as_not_found():
    truth = judged("xx........", "..........").select("meter", "day", "absent")
    result = judged("xx........", "xx........").select("meter", "day", "probability_absent", absent="flagged")[1:]
    assert day_scores(joined_judgement(result, truth))["recall"] == 0.5


def test_calibration_slope_is_that_of_logistic_regression():
    random = np.random.default_rng(2)
    log_odds = random.normal(-1, 2, 2000)
    truth = random.random(2000) < 1 / (1 + np.exp(-0.6 * log_odds))
    slope, intercept = calibration_slope(1 / (1 + np.exp(-log_odds)), truth)
    model = LogisticRegression(C=1e9).fit(log_odds[:, None], truth)
    assert slope == pytest.approx(model.coef_[0, 0], abs=1e-3)
    assert intercept == pytest.approx(model.intercept_[0], abs=1e-3)


def test_presence_by_half_hour_becomes_absent_days():
    begin = datetime(2010, 6, 1, 23, tzinfo=UTC)  # local midnight in Dublin
    times = [begin + timedelta(minutes=30 * number) for number in range(96)]
    present = [False] * 48 + [number == 3 for number in range(48)]
    presence = pl.DataFrame({"meter": "1", "started_at": times, "present": present})
    truth = absent_days_of_presence(presence, "Europe/Dublin")
    assert truth["absent"].to_list() == [True, False]
    scores = presence_scores(presence.select("meter", "started_at", probability_present=pl.lit(1.0)), presence)
    assert scores["accuracy"] == scores["accuracy_always_occupied"] == pytest.approx(1 / 96)
    assert scores["mcc"] == 0.0
    with pytest.raises(ValueError, match="expected UTC"):
        absent_days_of_presence(presence.with_columns(pl.col("started_at").dt.replace_time_zone(None)), "Europe/Dublin")


@given(st.integers(0, 10_000), st.sampled_from(["recall_at_0.02", "recall_at_0.005", "mcc", "brier"]))
@settings(max_examples=25, deadline=None)
def test_intervals_are_those_of_homes_drawn_one_by_one(seed: int, score: str) -> None:
    random = np.random.default_rng(seed)
    parts = []
    for home in range(6):
        absent = random.random(10) < 0.4
        chance = np.round(np.clip(0.4 * absent + 0.6 * random.random(10), 0, 1), 1)
        columns = {"meter": str(home), "day": DAYS, "absent": absent, "probability_absent": chance}
        parts.append(pl.DataFrame(columns).with_columns(flagged=pl.col("probability_absent") > 0.5))
    draws = np.random.default_rng(seed)
    values = []
    for _ in range(20):
        drawn = pl.concat([parts[number] for number in draws.integers(0, 6, 6)])
        values.append(day_scores(drawn)[score])
    known = [value for value in values if not math.isnan(value)]
    expected = np.quantile(known, [0.025, 0.975]) if known else [math.nan, math.nan]
    assert bootstrap_over_homes(pl.concat(parts), score, 20, seed) == pytest.approx(tuple(expected), nan_ok=True)
