"""Quarters in the years of the official figures."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ons_bigdata.tweets.methods.official_years import official_year, sum_quarters


def test_a_year_ends_on_30_june() -> None:
    days = pl.DataFrame({"day": [date(2014, 6, 30), date(2014, 7, 1), date(2015, 1, 1)]})
    assert days.select(official_year(pl.col("day"))).to_series().to_list() == [
        date(2014, 6, 30),
        date(2015, 6, 30),
        date(2015, 6, 30),
    ]


def test_quarters_add_up_and_a_missing_estimate_leaves_no_sum() -> None:
    frame = pl.DataFrame(
        {
            "area": ["a", "a", "a", "b", "b", "c"],
            "period": [
                date(2014, 4, 1),
                date(2014, 7, 1),
                date(2014, 10, 1),
                date(2014, 7, 1),
                date(2014, 10, 1),
                date(2014, 7, 1),
            ],
            "inflow": [1.0, 2.0, 3.0, 4.0, None, 5.0],
        }
    )
    assert sum_quarters(frame, ["area"], ["inflow"]).rows() == [
        ("a", date(2014, 6, 30), 1.0, 1),
        ("a", date(2015, 6, 30), 5.0, 2),
        ("b", date(2015, 6, 30), None, 2),
        ("c", date(2015, 6, 30), 5.0, 2),
    ]
    with pytest.raises(ValueError, match="period 2014-05-01 is no first day of a quarter; 1 of 6 rows"):
        sum_quarters(
            frame.with_columns(pl.col("period").replace(date(2014, 4, 1), date(2014, 5, 1))), ["area"], ["inflow"]
        )
