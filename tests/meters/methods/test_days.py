"""Meter-days: golden days of the clock changes, totals, days of any zone, and the rule for duplicates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.days import meter_days
from ons_bigdata.meters.methods.quality import assess
from ons_bigdata.meters.schemas.days import MeterDay
from tests.meters.methods.half_hours import HALF_HOUR, START, london_homes, readings, varied


def test_days_of_a_london_home_are_those_that_its_readings_have_in_local_time() -> None:
    home = london_homes().filter(pl.col("meter") == "MAC000060")
    days = MeterDay.validate(meter_days(home, "Europe/London"))
    local = home.with_columns(day=pl.col("started_at").dt.convert_time_zone("Europe/London").dt.date())
    expected = local.group_by("day").agg(pl.col("kwh").sum(), pl.len().alias("readings")).sort("day")
    joined = expected.join(days, on="day", how="left", suffix="_of_days")
    assert joined["kwh"].to_numpy() == pytest.approx(joined["kwh_of_days"].to_numpy(), abs=1e-9)
    assert (joined["readings"] == joined["readings_of_days"]).all()
    slots = dict(days.select("day", pl.col("kwh_halfhours").list.len()).iter_rows())
    assert {day: count for day, count in slots.items() if count != 48} == {
        date(2012, 3, 25): 46,
        date(2012, 10, 28): 50,
        date(2013, 3, 31): 46,
        date(2013, 10, 27): 50,
    }


def test_the_days_of_the_irish_clock_changes_have_46_and_50_half_hours() -> None:
    start = datetime(2010, 3, 27, tzinfo=UTC)
    days = meter_days(readings(np.arange(3 * 48, dtype=float), start=start), "Europe/Dublin")
    assert days["kwh_halfhours"].list.len().to_list() == [48, 46, 48, 48]
    assert days["readings"].to_list() == [48, 46, 48, 2]
    assert days["kwh_halfhours"].to_list()[1] == list(range(48, 94))
    autumn = meter_days(readings(np.ones(100), start=datetime(2010, 10, 30, 23, tzinfo=UTC)), "Europe/Dublin")
    assert autumn.select("day", "readings", "kwh").rows() == [
        (date(2010, 10, 31), 50, 50.0),
        (date(2010, 11, 1), 48, 48.0),
        (date(2010, 11, 2), 2, 2.0),
    ]


@settings(max_examples=15)
@given(
    st.sampled_from(["Europe/London", "Australia/Sydney", "America/New_York", "Asia/Kolkata", "UTC"]),
    st.integers(0, 20_000),
    st.integers(1, 300),
)
def test_each_reading_is_in_its_local_day_once(zone: str, begin: int, count: int) -> None:
    start = datetime(2012, 1, 1, tzinfo=UTC) + HALF_HOUR * begin
    kwh = np.arange(1, count + 1, dtype=float)
    days = meter_days(readings(kwh, meter=7, start=start), zone)
    assert days.schema["meter"] == pl.Int64
    assert days["kwh_halfhours"].explode().drop_nulls().to_list() == kwh.tolist()
    at = [(start + HALF_HOUR * number).astimezone(ZoneInfo(zone)) for number in range(count)]
    expected = {
        day: sum(kwh[number] for number in range(count) if at[number].date() == day) for day in {a.date() for a in at}
    }
    assert dict(days.select("day", "kwh").iter_rows()) == expected
    first = days["kwh_halfhours"][0].is_not_null().arg_true()[0]
    midnight = at[0].replace(hour=0, minute=0)
    assert first == (at[0].astimezone(UTC) - midnight.astimezone(UTC)) / HALF_HOUR


def test_without_states_equal_readings_count_once_and_other_ones_not_at_all() -> None:
    frame = pl.concat([readings([0.1, 0.2, 0.3, None]), readings([0.1, 0.4, None, None])])
    days = meter_days(frame, "UTC")
    assert days["kwh_halfhours"].to_list()[0][:4] == pytest.approx([0.1, None, 0.3, None], abs=1e-7)
    assert days.select("kwh", "readings").row(0) == (pytest.approx(0.4), 2)
    assert_frame_equal(meter_days(assess(frame), "UTC"), days)
    three = pl.concat([frame, readings([0.1, 0.2, 0.3, None])])
    assert_frame_equal(meter_days(three, "UTC"), days)
    assert_frame_equal(meter_days(three.reverse(), "UTC"), days)


def test_of_assessed_readings_sound_ones_count() -> None:
    kwh = varied(3 * 48)
    kwh[10], kwh[11], kwh[48:96] = -1.0, 20.0, 0.0
    flags = ["A"] * len(kwh)
    flags[12] = "E"
    days = meter_days(assess(readings(kwh, flag=flags)), "UTC")
    assert days["readings"].to_list() == [45, 48, 48]
    assert days["kwh"].to_list() == pytest.approx([np.delete(kwh[:48], [10, 11, 12]).sum(), 0.0, kwh[96:].sum()])
    everything = meter_days(assess(readings(kwh, flag=flags)), "UTC", counted=["ok", "estimated", "zero_run"])
    assert everything["readings"].to_list() == [46, 48, 48]


def test_days_without_any_reading_are_rows() -> None:
    kwh = varied(5 * 48)
    kwh[48 : 3 * 48] = np.nan
    for frame in (readings(kwh), readings(kwh).drop_nulls("kwh"), assess(readings(kwh))):
        days = meter_days(frame, "UTC")
        assert days["readings"].to_list() == [48, 0, 0, 48, 48]
        assert days["kwh"].null_count() == 2
        assert days["kwh_halfhours"].list.len().to_list() == [48] * 5


def test_meters_do_not_depend_on_each_other() -> None:
    a = readings(varied(200), meter="a")
    b = readings(varied(500, seed=2), meter="b", start=START - HALF_HOUR * 1000)
    both = meter_days(pl.concat([b, a]), "Europe/London")
    assert_frame_equal(both, pl.concat([meter_days(a, "Europe/London"), meter_days(b, "Europe/London")]))
    assert meter_days(a.clear(), "Europe/London").schema == both.schema


def test_zones_are_named_in_errors() -> None:
    with pytest.raises(ValueError, match="timezone is 'Asia/Kathmandu'; expected a zone that is half hours from UTC"):
        meter_days(readings([1.0]), "Asia/Kathmandu")
    with pytest.raises(ValueError, match="timezone is 'Dublin'; expected a zone such as"):
        meter_days(readings([1.0]), "Dublin")
