"""The asset of meter-days: every reading judged, arrays in Postgres, states in the lake, no meter anywhere else."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ons_bigdata.meters.assets.quality import ASSESSED_READINGS
from ons_bigdata.meters.checks import quality as checks
from ons_bigdata.meters.methods.bucket import COLUMNS, judge_readings
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.meters.assets.judged import judge, lake_rows
from tests.meters.methods.half_hours import readings, varied

CANARY = 4_815_162_342_108_151_623
"""Pseudonym of a meter that nothing but the restricted tables and the lake may hold."""
OTHER = -2_000_000_000_000_000_001


def delivered() -> pl.DataFrame:
    kwh = varied(70 * 48)
    kwh[300:360], kwh[500], kwh[600:603] = 0.0, -1.0, np.nan
    first = readings(kwh, meter=CANARY)
    second = readings(varied(10 * 48, seed=2), meter=OTHER).filter(~pl.int_range(pl.len()).is_between(20, 29))
    return pl.concat([first, first.head(5), second])


def test_readings_become_days_states_and_counts(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, result = judge(warehouse, tmp_path, lake_rows(delivered()), monkeypatch)
    assessed = lake.scan(ASSESSED_READINGS).collect()
    assert assessed.height == delivered().height + 10
    days = warehouse.frame("select * from restricted.meter_days order by meter_key, day")
    assert days.schema["kwh_halfhours"] == pl.List(pl.Float32)
    assert days.group_by("meter_key").agg(pl.len()).sort("meter_key")["len"].to_list() == [11, 71]  # Irish summer time
    counted = assessed.filter(pl.col("state").is_in(["ok", "zero_run"]))
    assert days["kwh"].sum() == pytest.approx(counted["kwh"].sum())
    assert days["kwh_halfhours"].explode().count() == counted.height
    meters = warehouse.frame("select * from restricted.meters order by meter_key")
    assert meters.select("rows", "half_hours", "readings").rows() == [(470, 470, 470), (3365, 3365, 3356)]
    for query in (checks._JUDGED, checks._RECTANGLE, checks._CHANGE_DAYS):
        assert warehouse.rows(query) == []
    metadata = {name: value.value for name, value in _metadata(result)["meter_quality"].items()}
    assert metadata["half hours missing_row"] == 10
    assert metadata["half hours zero_run"] == 60


def test_checks_see_lost_readings_and_days(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(warehouse, tmp_path, lake_rows(delivered()), monkeypatch)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from restricted.meter_days where day = '2010-06-03' and meter_key > 0")
    assert warehouse.rows(checks._JUDGED) == [("cer", "simulated", 1)]
    assert warehouse.rows(checks._RECTANGLE) == [("cer", "simulated", 1)]
    with warehouse.transaction() as transaction:
        transaction.execute(
            "update restricted.meter_days set kwh_halfhours = kwh_halfhours[1:46] where day = '2010-06-04'"
        )
        transaction.execute("update restricted.meters set kwh_per_day = 1000 * kwh_per_day")
    assert [row[2:] for row in warehouse.rows(checks._CHANGE_DAYS)] == [(46, 2, 48)]
    assert len(warehouse.rows(checks._MEANS, list(checks.MEAN_KWH_PER_DAY))) == 1
    assert warehouse.rows(checks._SHARES.format(column="zeros", most=0.01)) == [("cer", "simulated", 1.6)]


def test_nothing_about_a_meter_is_outside_of_restricted_and_the_lake(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, result = judge(warehouse, tmp_path, lake_rows(delivered()), monkeypatch)
    said = [str(event.event_specific_data) + (event.message or "") for event in result.all_events]
    assert not [text for text in said if str(CANARY) in text]
    tables = warehouse.rows(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1"
    )
    holding = [
        table
        for (table,) in tables
        if warehouse.rows(f"select count(*) from {table} as t where t::text like '%{CANARY}%'") != [(0,)]
    ]
    personal = [
        *("meter_absent_days", "meter_contact_days", "meter_days", "meter_imputed_half_hours", "meter_quality"),
        *("meter_quarters", "meters"),
    ]
    assert holding == [f"restricted.{table}" for table in personal]
    with warehouse.transaction(role="reader") as transaction, pytest.raises(Exception, match="permission denied"):
        transaction.rows("select 1 from restricted.meter_days")


def test_a_failure_does_not_say_readings(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = lake_rows(delivered()).with_columns(kwh=pl.lit(float("inf")))
    with pytest.raises(Exception, match="its text may hold personal data and is not kept") as failure:
        judge(warehouse, tmp_path, rows, monkeypatch)
    assert "inf" not in str(failure.value)


def test_exports_are_left_out_and_quarters_summed() -> None:
    start = readings(varied(8))["started_at"][0]
    quarters = pl.DataFrame(
        {
            "meter": 5,
            "started_at": [start.replace(minute=15 * part, hour=hour) for hour in range(2) for part in range(4)],
            "kwh": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, None],
            "flag": ["A", "E", "A", "A", "A", "A", "A", "A"],
        }
    ).with_columns(pl.col("started_at").cast(pl.Datetime("us", "UTC")))
    parts = lake_rows(quarters, minutes=15)
    hours = lake_rows(readings([1.0, 2.0], meter=6).gather_every(2), minutes=60)
    exports = lake_rows(readings(varied(4), meter=5)).with_columns(is_export=pl.lit(value=True))
    bucket = pl.concat([parts, hours, exports]).select(COLUMNS)
    judged = judge_readings(bucket, {"zones": {"cer": "UTC"}})
    assert judged["assessed"].select("kwh", "code", "flag", "state").rows() == [
        (pytest.approx(0.3), None, "E", "estimated"),
        (pytest.approx(0.7), None, "A", "ok"),
        (pytest.approx(1.1), None, "A", "ok"),
        (None, "incomplete", "A", "null_token"),
    ]
    assert judged["meters"].select(
        "meter_key", "rows", "export_rows", "other_rows", "half_hours", "readings"
    ).rows() == [
        (5, 12, 4, 0, 4, 2),
        (6, 1, 0, 1, 0, 0),
    ]
    with pytest.raises(ValueError, match="no zone for the format cer"):
        judge_readings(bucket, {"zones": {"lcl": "Europe/London"}})


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, dg.MetadataValue]]:  # type: ignore[type-arg]
    made = result.asset_materializations_for_node("meter_days")
    return {one.asset_key.path[-1]: dict(one.metadata) for one in made}


def test_a_low_week_with_one_spike_is_seven_absent_days() -> None:
    kwh = varied(120 * 48) + np.where(np.arange(120 * 48) % 48 >= 14, 0.2, 0.0)
    kwh[60 * 48 : 67 * 48] = 0.05
    kwh[62 * 48 + 12] = 1.0
    bucket = lake_rows(readings(kwh, meter=7)).select(COLUMNS)
    judged = judge_readings(bucket, {"zones": {"cer": "UTC"}})["absent_days"]
    first_day = judged["day"][0]
    absent = judged.filter("absent")["day"]
    assert [(day - first_day).days for day in absent] == list(range(60, 67))
