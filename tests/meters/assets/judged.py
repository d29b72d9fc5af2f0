"""Readings of a bucket, judged and written into the restricted tables and the lake by the asset itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl

from ons_bigdata.meters.assets.quality import meter_days
from ons_bigdata.meters.schemas.readings import LakeReading
from ons_bigdata.meters.sources.reading_files import METER_READINGS
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse


def lake_rows(readings: pl.DataFrame, *, form: str = "cer", load: str = "a", minutes: int = 30) -> pl.DataFrame:
    """Rows of the lake of readings with the columns meter (whole number), started_at, kwh, and code and flag if any."""
    defaults = {
        "code": pl.lit(None, dtype=pl.String),
        "flag": pl.lit(None, dtype=pl.String),
        "is_export": pl.lit(False),
    }
    return (
        readings.with_row_index("line", offset=1)
        .with_columns(
            pl.col("line").cast(pl.Int64),
            pl.lit(load * 16).alias("load_id"),
            pl.col("started_at").dt.date().dt.month_start().alias("month"),
            pl.lit(form).alias("format"),
            pl.lit("simulated").alias("data_origin"),
            pl.col("meter").cast(pl.Int64).alias("meter_key"),
            pl.lit(minutes, dtype=pl.Int16).alias("minutes"),
            *(value.alias(name) for name, value in defaults.items() if name not in readings.columns),
        )
        .select(LakeReading.column_names())
    )


def land(lake: Lake, rows: pl.DataFrame) -> None:
    """Make rows live in the lake, month by month."""
    for (month,), part in rows.partition_by("month", as_dict=True).items():
        files = lake.write(METER_READINGS, str(month), part)
        with lake.warehouse.transaction(role="ingest") as transaction:
            lake.make_live(transaction, METER_READINGS, files)


def judge(
    warehouse: Warehouse, folder: Path, rows: pl.DataFrame, monkeypatch: object
) -> tuple[Lake, dg.ExecuteInProcessResult]:
    """Land rows in a new lake and materialise their meter-days."""
    lake = Lake(folder / "lake", warehouse)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    monkeypatch.setattr(WarehouseResource, "lake", lambda _: lake)
    land(lake, rows)
    return lake, dg.materialize([meter_days], resources={"warehouse": WarehouseResource()})
