"""The figures of the pilot: which meter and week they take, and what they draw."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.methods.days import meter_days
from ons_bigdata.meters.reports import figures
from tests.meters.methods.half_hours import readings, varied

DAYS = 400
START = datetime(2009, 7, 1, tzinfo=UTC)


def homes() -> pl.DataFrame:
    """A home with a holiday of a week and a spike at 06:00 on its third day, one without, and an empty one."""
    season = 1 + 0.3 * np.cos((np.arange(DAYS * 48) / 48 - 190) / 365 * 2 * np.pi)
    usual = varied(DAYS * 48) * season
    away = usual.copy()
    week = slice(30 * 48, 37 * 48)
    away[week] = 0.02
    away[32 * 48 + 12] = 1.5
    christmas = (date(2009, 12, 25) - START.date()).days
    away[christmas * 48 : (christmas + 1) * 48] *= 2
    empty = np.full(DAYS * 48, 0.02)
    return pl.concat(
        meter_days(readings(kwh, meter=name, start=START), "UTC")
        for name, kwh in (("away", away), ("empty", empty), ("usual", usual))
    )


def test_the_low_week_with_one_spike_is_taken_and_drawn() -> None:
    days = homes()
    first_day = START.date() + timedelta(days=30)
    assert figures.low_weeks(days).rows() == [("away", first_day)]
    chosen = figures.choose_low_week(days, figures.low_weeks(days))
    assert chosen == ("away", first_day)
    of_meter = days.filter(pl.col("meter") == "away")
    drawing = figures.draw_low_week(of_meter, first_day, title="A low week of a simulated meter")
    assert "A low week of a simulated meter" in drawing
    assert "Fri 31 Jul" in drawing
    assert "mean of all days" in drawing


def test_a_week_with_two_spikes_is_not_taken() -> None:
    days = homes()
    spiked = days.with_columns(
        pl.when((pl.col("meter") == "away") & (pl.col("day") == START.date() + timedelta(days=34)))
        .then(days.filter(pl.col("day") == START.date() + timedelta(days=32))["kwh_halfhours"].implode().list.get(0))
        .otherwise("kwh_halfhours")
        .alias("kwh_halfhours")
    )
    assert figures.choose_low_week(spiked, figures.low_weeks(days)) is None


def test_the_whole_period_is_that_of_a_home_with_winter_christmas_and_a_holiday() -> None:
    days = homes()
    assert figures.choose_year_round(days) == "away"
    assert figures.choose_year_round(days.filter(pl.col("meter") == "empty")) is None
    drawing = figures.draw_year_round(days.filter(pl.col("meter") == "away"), title="Daily consumption")
    assert "kWh a day" in drawing


def test_the_quarter_is_the_last_whole_one_in_90_days() -> None:
    quarter = figures.quarter_consumption(homes())
    assert quarter["quarter"].unique().to_list() == [date(2010, 4, 1)]
    consumption = dict(quarter.select("meter", "kwh").iter_rows())
    assert consumption["empty"] == pytest.approx(0.02 * 48 * 90, rel=1e-6)
    assert consumption["empty"] < figures.LOW_QUARTER_KWH < consumption["usual"]
    assert "meters" in figures.draw_quarter(quarter, title="Simulated meters")
