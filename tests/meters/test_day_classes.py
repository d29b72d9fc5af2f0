"""Day classes and consumption in SQL: imputed half hours enter the total of a usable day, and their share is kept."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.command_line import ROOT

MODELS = ROOT / "dbt_project" / "models" / "restricted" / "meters" / "quality"
SCHEMAS = {"meter_publication_rules": "seeds", "meter_day_classes": "restricted"}
MONDAY = date(2010, 6, 7)


def rendered(model: str) -> str:
    """SQL of a model with its relations by name."""
    query = (MODELS / f"{model}.sql").read_text("utf-8")
    query = re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", query)
    return re.sub(r"\{\{ ref\('(\w+)'\) \}\}", lambda name: f"{SCHEMAS[name[1]]}.{name[1]}", query)


def write_days(warehouse: Warehouse, readings: list[int], imputed: dict[int, list[float]]) -> None:
    """Days of a meter from Monday on with so many readings of 0.1 kWh, and imputed half hours by the day's number."""
    days = pl.DataFrame(
        {
            "meter_key": [7] * len(readings),
            "day": [MONDAY + timedelta(days=number) for number in range(len(readings))],
            "kwh_halfhours": [[0.1] * count + [None] * (48 - count) for count in readings],
            "kwh": [0.1 * count if count else None for count in readings],
            "readings": readings,
        },
        schema_overrides={"kwh_halfhours": pl.List(pl.Float32), "readings": pl.Int16, "meter_key": pl.Int64},
    )
    rows = [
        (7, datetime(2010, 6, 7, tzinfo=UTC) + timedelta(days=day, minutes=30 * (47 - place)), kwh)
        for day, values in imputed.items()
        for place, kwh in enumerate(values)
    ]
    half_hours = pl.DataFrame(rows, schema=["meter_key", "started_at", "kwh_imputed"], orient="row").with_columns(
        pl.col("started_at").dt.cast_time_unit("us"), day=pl.col("started_at").dt.date(), imputation=pl.lit("linear")
    )
    with warehouse.transaction() as transaction:
        transaction.insert("restricted.meter_days", days)
        transaction.insert("restricted.meter_imputed_half_hours", half_hours)
        transaction.execute("create table if not exists seeds.meter_publication_rules (parameter text, value float8)")
        transaction.execute(
            "insert into seeds.meter_publication_rules values ('missing_half_hours', 4), ('least_coverage', 0.5)"
        )


def test_imputed_half_hours_enter_the_total_of_a_usable_day(warehouse: Warehouse) -> None:
    write_days(warehouse, [48, 46, 44, 40, 0], {1: [0.5, 0.5], 2: [1.0], 3: [0.2]})
    frame = warehouse.frame(f"select * from ({rendered('meter_day_classes')}) as classes order by day")
    assert frame["day_class"].to_list() == ["usable", "usable", "usable", "partial", "empty"]
    assert frame["imputed_half_hours"].to_list() == [0, 2, 1, 1, 0]
    totals = frame["kwh_whole_day"].to_list()
    assert totals[:2] == pytest.approx([4.8, 4.6 + 1.0])
    assert totals[2] == pytest.approx((4.4 + 1.0) * 48 / 45)
    assert totals[3:] == [None, None]


def test_the_share_of_imputed_half_hours_is_that_of_usable_days(warehouse: Warehouse) -> None:
    write_days(warehouse, [48, 46, 44, 40, 48, 48, 48], {1: [0.1, 0.1], 3: [0.2]})
    with warehouse.transaction() as transaction:
        transaction.execute(f"create table restricted.meter_day_classes as {rendered('meter_day_classes')}")
        transaction.execute(
            "insert into restricted.meters (meter_key, format, data_origin, timezone, rows, half_hours, export_rows,"
            " other_rows, readings) values (7, 'cer', 'simulated', 'Europe/Dublin', 1, 1, 0, 0, 1)"
        )
    cells = warehouse.frame(f"select * from ({rendered('meter_consumption_cells')}) as c where period_kind = 'week'")
    assert cells.select("meters", "imputed_share").rows() == [(1, pytest.approx(2 / (7 * 48)))]
