"""The 180 kWh rule: by hand, scaling and coverage, runs of quarters, zero-reading meters."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from ons_bigdata.meters.methods.vacancy import low_consumption_rule


def days_of(first: date, totals: list[float], meter: str = "1") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "meter": meter,
            "day": [first + timedelta(days=number) for number in range(len(totals))],
            "kwh": totals,
            "readings": pl.Series([48] * len(totals), dtype=pl.Int16),
        }
    )


def test_vacant_from_the_fourth_low_quarter_on():
    days = days_of(date(2010, 1, 1), [1.9] * 730)  # 171 kWh in 90 days
    judged = low_consumption_rule(days)
    assert judged["vacant"].to_list() == [False] * 3 + [True] * 5
    assert judged["kwh_scaled"].to_list() == pytest.approx([171.0] * 8)


def test_a_quarter_at_the_limit_is_not_low_and_breaks_the_run():
    totals = [1.0] * 1461
    for number in range(365 + 365, 365 + 365 + 91):  # first quarter of 2012, 91 days
        totals[number] = 2.0  # 182 kWh in 91 days, 180 scaled to 90
    judged = low_consumption_rule(days_of(date(2010, 1, 1), totals))
    assert judged.filter(pl.col("quarter") == date(2012, 1, 1))["is_low"].to_list() == [False]
    assert judged["vacant"].to_list() == [False] * 3 + [True] * 5 + [False] * 4 + [True] * 4


def test_a_quarter_needs_readings_on_80_percent_of_its_days():
    days = days_of(date(2010, 1, 1), [1.0] * 90)
    known = days.with_row_index().with_columns(readings=pl.when(pl.col("index") < 72).then(48).otherwise(0))
    judged = low_consumption_rule(known.with_columns(kwh=pl.when(pl.col("readings") > 0).then("kwh")), quarters=1)
    assert judged.select("days", "coverage", "kwh_scaled", "vacant").row(0) == (72, 0.8, 90.0, True)
    fewer = known.with_columns(readings=pl.when(pl.col("index") < 71).then(48).otherwise(0))
    assert low_consumption_rule(fewer, quarters=1)["vacant"].to_list() == [None]


def test_a_missing_quarter_breaks_the_run():
    days = days_of(date(2010, 1, 1), [1.0] * 730).filter(pl.col("day").dt.truncate("1q") != date(2010, 7, 1))
    assert low_consumption_rule(days)["vacant"].to_list() == [False] * 5 + [True] * 2


def test_zero_reading_meters_are_connections_and_marked():
    judged = low_consumption_rule(days_of(date(2010, 1, 1), [0.0] * 365))
    assert judged["reads_zero"].all()
    assert judged["vacant"].to_list() == [False, False, False, True]


@pytest.mark.parametrize(
    ("options", "message"), [({"kwh_per_quarter": 0}, "kwh_per_quarter"), ({"quarters": 0}, "quarters")]
)
def test_bad_options_are_refused(options: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        low_consumption_rule(days_of(date(2010, 1, 1), [1.0]), **options)
