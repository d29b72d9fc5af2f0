"""Imputation: rules by the length of a gap, readings left alone, and better than its peers on real homes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.methods.days import cell_readings
from ons_bigdata.meters.methods.grid import lay_out
from ons_bigdata.meters.methods.imputation import impute, imputed_half_hours, judge_imputation
from ons_bigdata.meters.schemas.readings import ImputedReading
from tests.meters.methods.half_hours import london_homes, readings, varied

DAY = 48


def test_on_real_homes_the_rules_are_better_than_a_line_and_the_week_before() -> None:
    lengths = [1, 1, 2, 4, 8, 24, 48, 49]
    judged = judge_imputation(london_homes(), "Europe/London", np.random.default_rng(3), share=0.1, gap_lengths=lengths)
    errors = {(row["method"], row["length"]): row for row in judged.iter_rows(named=True)}
    assert min(row["hidden"] for row in errors.values()) > 300
    for length in ("to_2_hours", "to_1_day"):
        assert errors["rules", length]["imputed"] > 0.98
        assert errors["rules", length]["mae_kwh"] < errors["last_week", length]["mae_kwh"]
    assert errors["rules", "to_1_day"]["mae_kwh"] < errors["linear", "to_1_day"]["mae_kwh"]
    assert errors["rules", "to_2_hours"]["mae_kwh"] == errors["linear", "to_2_hours"]["mae_kwh"]
    rules, peer = errors["rules", "to_1_day"], errors["linear", "to_1_day"]
    assert rules["changed_decisions"] <= peer["changed_decisions"]
    assert rules["quarters"] > 20


def test_gaps_up_to_two_hours_are_lines_and_longer_ones_weekdays() -> None:
    kwh = np.tile(np.arange(7 * DAY) / 100.0 + 0.1, 9)  # every week the same
    short, day, long = slice(1000, 1004), slice(1400, 1448), slice(2000, 2049)
    gappy = kwh.copy()
    for gap in (short, day, long):
        gappy[gap] = np.nan
    imputed = ImputedReading.validate(impute(readings(gappy), "UTC"))
    assert imputed["kwh"].to_numpy() == pytest.approx(gappy, abs=0, nan_ok=True)
    assert imputed["kwh_imputed"].count() == 4 + 48
    assert imputed["kwh_imputed"].to_numpy()[short] == pytest.approx(kwh[short])
    assert imputed["kwh_imputed"].to_numpy()[day] == pytest.approx(kwh[day])
    kinds = imputed["imputation"].value_counts().sort("imputation").rows()
    assert kinds == [(None, len(kwh) - 101), ("left_missing", 49), ("linear", 4), ("weekday_median", 48)]


def test_half_hours_that_are_imputed_are_rows_of_their_local_day() -> None:
    kwh = np.tile(np.arange(7 * DAY) / 100.0 + 0.1, 9)
    kwh[1000:1004], kwh[2000:2049] = np.nan, np.nan
    frame = readings(kwh, start=datetime(2010, 6, 1, tzinfo=UTC))
    grid = lay_out(frame)
    rows = imputed_half_hours(grid, cell_readings(frame, grid), "Europe/London")
    whole = impute(frame, "Europe/London").filter(pl.col("kwh_imputed").is_not_null())
    assert rows.drop("day").equals(whole.select("meter", "started_at", "kwh_imputed", "imputation"))
    assert rows["day"].to_list() == [date(2010, 6, 21)] * 4  # 20:00 to 22:00 UTC of the day
    assert rows["imputation"].unique().to_list() == ["linear"]


def test_weekdays_follow_the_local_clock_and_the_level_of_the_days_about() -> None:
    start = datetime(2010, 3, 1, tzinfo=UTC)
    at = readings(np.zeros(8 * 7 * DAY), start=start)["started_at"].dt.convert_time_zone("Europe/London")
    kwh = 0.1 + (at.dt.hour() * 2 + at.dt.minute() // 30).to_numpy() / 10.0
    gap = slice(30 * DAY + 20, 30 * DAY + 40)  # two days after the change of 28 March
    kwh[gap.start - 200 : gap.stop + 200] *= 2
    gappy = kwh.copy()
    gappy[gap] = np.nan
    imputed = impute(readings(gappy, start=start), "Europe/London")
    assert imputed["kwh_imputed"].to_numpy()[gap] == pytest.approx(kwh[gap])


def test_edges_and_meters_without_a_week_are_left_missing() -> None:
    kwh = varied(10)
    kwh[[0, 9]] = np.nan
    imputed = impute(readings(kwh), "UTC")
    assert imputed["kwh_imputed"].count() == 0
    assert imputed["imputation"].to_list() == ["left_missing", *[None] * 8, "left_missing"]
    two = pl.concat([readings([0.1, None], meter="a"), readings([None, 0.3], meter="b")])
    assert impute(two, "UTC")["kwh_imputed"].count() == 0


def test_the_share_to_hide_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"share is 1\.0"):
        judge_imputation(readings(varied(100)), "UTC", np.random.default_rng(1), share=1.0)
