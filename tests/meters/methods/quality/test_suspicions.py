"""Stretches of days that look wrong as a whole."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.days import meter_days
from ons_bigdata.meters.methods.quality import assess, count_states, find_suspicions
from tests.meters.methods.half_hours import australian_homes, london_homes, readings, varied

DAY = 48


def suspicions(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    assessed = assess(frame)
    found = find_suspicions(assessed, meter_days(assessed, "UTC"), count_states(assessed))
    return found.drop("ratio").rows()


def test_real_homes_are_not_suspected() -> None:
    homes = pl.concat([london_homes(), australian_homes()])
    assert suspicions(homes) == []


def test_a_unit_error_of_a_thousand_is_caught() -> None:
    homes = london_homes()
    in_wh = homes.with_columns(kwh=pl.when(pl.col("meter") == "MAC000060").then(pl.col("kwh") * 1000).otherwise("kwh"))
    errors = [row for row in suspicions(in_wh) if row[3] == "unit_error"]
    assert errors == [("MAC000060", date(2011, 12, 10), date(2014, 2, 27), "unit_error")]
    # in MWh the largest home looks like an empty one in kWh
    in_mwh = {row[0] for row in suspicions(homes.with_columns(pl.col("kwh") / 1000)) if row[3] == "unit_error"}
    assert in_mwh == {"MAC000060", "MAC000584"}


def test_a_misplaced_point_is_caught_and_an_empty_home_is_not() -> None:
    kwh = varied(112 * DAY)
    kwh[56 * DAY :] /= 10
    assert suspicions(readings(kwh)) == [("a", date(2010, 7, 27), date(2010, 8, 23), "factor_of_ten")]
    base_load = 0.02 + np.arange(112 * DAY) % 2 * 0.001
    is_awake = np.arange(112 * DAY) % DAY > 13
    empty = base_load + np.where(is_awake & (np.arange(112 * DAY) < 56 * DAY), varied(112 * DAY), 0.0)
    assert empty[: 56 * DAY].sum() > 7 * empty[56 * DAY :].sum()
    assert suspicions(readings(empty)) == []


def test_a_day_of_codes_is_a_bad_day_and_a_missing_day_is_not() -> None:
    kwh = varied(10 * DAY)
    bad = readings(kwh).with_columns(
        kwh=pl.when(pl.int_range(pl.len()) // DAY == 3).then(None).otherwise("kwh"),
        code=pl.when(pl.int_range(pl.len()) // DAY == 3).then(pl.lit("4294967.295")),
    )
    without = bad.filter(pl.int_range(pl.len()) // DAY != 6)
    assert suspicions(without) == [("a", date(2010, 6, 4), date(2010, 6, 4), "bad_day")]


def test_a_first_hour_that_repeats_the_day_before_is_caught() -> None:
    kwh = varied(30 * DAY)
    repeated = [7, 10, 20]
    for count, day in enumerate(repeated):
        assert suspicions(readings(kwh)) == [], f"{count} days may come by chance"
        kwh[day * DAY : day * DAY + 2] = kwh[(day - 1) * DAY : (day - 1) * DAY + 2]
    days = [date(2010, 6, 1 + day) for day in repeated]
    assert suspicions(readings(kwh)) == [("a", day, day, "repeated_first_hour") for day in days]
    coarse = np.round(varied(30 * DAY), 1)  # repeats at every hour
    assert suspicions(readings(coarse)) == []


def test_the_load_of_a_timer_at_midnight_is_no_repetition() -> None:
    kwh = varied(60 * DAY)
    is_switched_on = np.arange(60) % 7 < 4
    for day in np.flatnonzero(is_switched_on):
        kwh[day * DAY : day * DAY + 2] = [1.5, 1.5]
    assert suspicions(readings(kwh)) == []
