"""Spells of absent days in SQL are those of the method, on the same judged days."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.absence import absence_spells
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.command_line import ROOT

MODEL = ROOT / "dbt_project" / "models" / "restricted" / "meters" / "quality" / "meter_absence_spells.sql"
FIRST_DAY = date(2010, 1, 1)


def judged_days() -> pl.DataFrame:
    """Days of many meters: drawn absences, days that cannot be judged, and days that are missing."""
    rng = np.random.default_rng(11)
    parts = []
    for meter in range(60):
        days = 200
        absent = np.repeat(rng.random(days) < 0.3, rng.integers(1, 5, days))[:days]
        known = rng.random(days) > 0.15
        frame = pl.DataFrame(
            {
                "meter_key": [meter - 30] * days,
                "day": [FIRST_DAY + timedelta(days=number) for number in range(days)],
                "probability_absent": np.where(known, np.where(absent, 0.5, 0.0) + rng.random(days) / 2, np.nan),
                "absent": absent,
            },
            schema_overrides={"meter_key": pl.Int64},
        ).with_columns(pl.col("probability_absent").fill_nan(None))
        frame = frame.with_columns(pl.when(pl.col("probability_absent").is_not_null()).then("absent").alias("absent"))
        parts.append(frame.filter(pl.Series(rng.random(days) > 0.05)))
    return pl.concat(parts)


def test_spells_in_sql_are_those_of_the_method(warehouse: Warehouse) -> None:
    days = judged_days()
    with warehouse.transaction() as transaction:
        transaction.insert("restricted.meter_absent_days", days)
    query, replaced = re.subn(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", MODEL.read_text())
    assert replaced == 1
    columns = ["spell", "first_day", "last_day", "days", "probability_absent"]
    in_sql = warehouse.frame(f"select * from ({query}) as spells").select("meter_key", *columns)
    by_method = absence_spells(days.rename({"meter_key": "meter"})).select(pl.col("meter").alias("meter_key"), *columns)
    assert in_sql.height > 1000
    assert_frame_equal(in_sql.sort("meter_key", "spell"), by_method.sort("meter_key", "spell"), rel_tol=1e-12)
    unknown = days.filter(pl.col("absent").is_null())
    bridged = in_sql.join(unknown, on="meter_key").filter(pl.col("day").is_between("first_day", "last_day"))
    assert bridged.height > 0
