"""All methods over the meters of a bucket of `lake/meter_readings` in one pass, so that half hours are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.days import COUNTED_STATES, cell_readings, days_of_cells
from ons_bigdata.meters.methods.grid import lay_out, number_meters
from ons_bigdata.meters.methods.half_hours import sum_to_half_hours
from ons_bigdata.meters.methods.imputation import imputed_half_hours
from ons_bigdata.meters.methods.occupancy import judge_occupancy, shipped_models_hash
from ons_bigdata.meters.methods.quality import assess, count_states, find_suspicions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Step = Callable[[pl.DataFrame, Mapping[str, Any]], dict[str, pl.DataFrame]]

COLUMNS = ("meter_key", "started_at", "minutes", "kwh", "code", "flag", "is_export", "format", "data_origin")
"""Columns of the lake that the methods need; rows in any order."""


def occupancy_of_days(days: pl.DataFrame, _parameters: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Judge absent days and quarters by the shipped models; quarters next to the rule of 180 kWh.

    Frames: absent_days (AbsentDay); contact_days (MeterContactDays); quarters: VacantQuarter with kwh_scaled, is_low
    and vacant_by_rule of LowQuarter, and models_hash.
    """
    judged = judge_occupancy(days)
    rule = judged["low_quarters"].select("meter", "quarter", "kwh_scaled", "is_low", vacant_by_rule="vacant")
    return {
        "absent_days": judged["absent_days"],
        "contact_days": judged["contact_days"].with_columns(pl.col("weekday").cast(pl.Int16)),
        "quarters": judged["vacant_quarters"]
        .join(rule, on=["meter", "quarter"], how="left", maintain_order="left")
        .with_columns(models_hash=pl.lit(shipped_models_hash())),
    }


DAY_STEPS: tuple[Step, ...] = (occupancy_of_days,)
"""Steps on the meter-days of a bucket: f(meter_days, parameters) -> frames by name, each with the column `meter`.
`parameters` are those of the asset with the zone (`timezone`)."""


def judge_readings(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Assess the readings of the meters of a bucket, and compute what follows from them, by name of the frame.

    `bucket` has the columns COLUMNS of LakeReading, in any order of rows; `parameters` the zone of each format
    (`zones`). Exported energy is left out of everything. Frames, each with `meter_key` in place of `meter` and sorted:

    * assessed: all half hours with their states (AssessedReading);
    * quality: rows by month and state (MeterQuality); suspicions (MeterSuspicion); days (MeterDay); imputed
      (half hours that are imputed for sums);
    * meters: one row per meter (Meter);
    * those of DAY_STEPS.

    Raises ValueError for a format without zone.
    """
    parts = [
        _judge_format(rows, str(name), str(origin), _zone(parameters, str(name)), parameters)
        for name, origin, rows in _by_format(bucket)
    ]
    return {name: pl.concat([part[name] for part in parts]).rename({"meter": "meter_key"}) for name in parts[0]}


def _by_format(bucket: pl.DataFrame) -> list[tuple[object, object, pl.DataFrame]]:
    rows = bucket.drop("format", "data_origin").rename({"meter_key": "meter"})
    first = bucket["format"][0], bucket["data_origin"][0]
    if (bucket["format"] == first[0]).all() and (bucket["data_origin"] == first[1]).all():
        return [(*first, rows)]  # no copy of all rows, and no distinct texts of millions
    kinds = bucket.select("format", "data_origin").unique().sort("format", "data_origin")
    return [
        (name, origin, rows.filter((bucket["format"] == name) & (bucket["data_origin"] == origin)))
        for name, origin in kinds.iter_rows()
    ]


def _zone(parameters: Mapping[str, Any], name: str) -> str:
    zones = parameters["zones"]
    if name not in zones:
        raise ValueError(f"no zone for the format {name}; zones are known for {', '.join(sorted(zones))}")
    return str(zones[name])


def _judge_format(
    rows: pl.DataFrame, name: str, origin: str, zone: str, parameters: Mapping[str, Any]
) -> dict[str, pl.DataFrame]:
    exports = rows.filter("is_export") if rows["is_export"].any() else rows.clear()
    imports = rows.filter(~pl.col("is_export")) if exports.height else rows
    half_hours, apart = sum_to_half_hours(imports.drop("is_export"))
    assessed = assess(half_hours)
    grid = lay_out(assessed)
    cells = cell_readings(assessed, grid)
    days = days_of_cells(assessed, grid, cells, zone)
    counts = count_states(assessed)
    counted = _count(rows, "rows")
    meters = (
        counted.join(_count(exports, "export_rows"), on="meter", how="left")
        .join(_count(apart, "other_rows"), on="meter", how="left")
        .join(_renamed_or_counted(counted, rows, half_hours), on="meter", how="left")
        .join(_periods(days), on="meter", how="left")
        .join(_counted(counts), on="meter", how="left")
        .with_columns(
            pl.lit(name).alias("format"),
            pl.lit(origin).alias("data_origin"),
            pl.lit(zone).alias("timezone"),
            pl.col("export_rows", "other_rows", "half_hours", "readings").fill_null(0),
        )
        .sort("meter")
    )
    frames = {
        "assessed": assessed,
        "quality": counts.with_columns(pl.col("state").cast(pl.String)),
        "suspicions": find_suspicions(assessed, days, counts),
        "days": days,
        "imputed": imputed_half_hours(grid, cells, zone),
        "meters": meters,
    }
    step_parameters = {**parameters, "timezone": zone}
    for step in DAY_STEPS:
        frames |= step(days, step_parameters)
    return frames


def _count(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows of each meter; a tenth of the work of grouping them, since most rows of a meter adjoin."""
    meters, row_meters = number_meters(rows["meter"])
    counts = np.bincount(row_meters, minlength=len(meters)).astype(np.int64)
    return pl.DataFrame({"meter": meters, name: counts})


def _renamed_or_counted(counted: pl.DataFrame, rows: pl.DataFrame, half_hours: pl.DataFrame) -> pl.DataFrame:
    """Half hours of each meter: the rows, where every row is one."""
    if half_hours.height == rows.height:
        return counted.rename({"rows": "half_hours"})
    return _count(half_hours, "half_hours")


def _periods(days: pl.DataFrame) -> pl.DataFrame:
    return days.group_by("meter").agg(
        pl.col("day").min().alias("first_day"),
        pl.col("day").max().alias("last_day"),
        pl.col("kwh").mean().alias("kwh_per_day"),
    )


def _counted(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.filter(pl.col("state").is_in(COUNTED_STATES)).group_by("meter").agg(pl.col("readings").sum())
