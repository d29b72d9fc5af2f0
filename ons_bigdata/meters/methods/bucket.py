"""All methods over the meters of a bucket of `lake/meter_readings` in one pass, so that half hours are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.meters.methods.absence import detect_absent_days
from ons_bigdata.meters.methods.days import COUNTED_STATES, meter_days
from ons_bigdata.meters.methods.half_hours import sum_to_half_hours
from ons_bigdata.meters.methods.quality import assess, count_states, find_suspicions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Step = Callable[[pl.DataFrame, Mapping[str, Any]], pl.DataFrame]

COLUMNS = ("meter_key", "started_at", "minutes", "kwh", "code", "flag", "is_export", "format", "data_origin")
"""Columns of the lake that the methods need; rows in any order."""


def judge_absence(days: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Judge the absent days of a bucket (frame AbsentDay) by the method `absence_method`, and name it (`method`)."""
    method = str(parameters["absence_method"])
    return detect_absent_days(days, method).with_columns(pl.lit(method).alias("method"))


DAY_STEPS: dict[str, Step] = {"absent_days": judge_absence}
"""Steps on the meter-days of a bucket: name of the resulting frame → f(meter_days, parameters) -> frame with the column
`meter`. Those of vacancy are entered here, too; `parameters` has the zone and what the asset adds."""


def judge_readings(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Assess the readings of the meters of a bucket, and compute what follows from them, by name of the frame.

    `bucket` has the columns COLUMNS of LakeReading, in any order of rows; `parameters` the zone of each format
    (`zones`) and the method of absence (`absence_method`). Exported energy is left out of everything. Frames, each with
    `meter_key` in place of `meter` and sorted:

    * assessed: all half hours with their states (AssessedReading);
    * quality: rows by month and state (MeterQuality); suspicions (MeterSuspicion); days (MeterDay);
    * meters: one row per meter (Meter);
    * those of DAY_STEPS.

    Raises ValueError for a format without zone.
    """
    parts = [
        _judge_format(rows, str(name), str(origin), _zone(parameters, str(name)), parameters)
        for name, origin, rows in _by_format(bucket)
    ]
    return {
        name: pl.concat([part[name] for part in parts]).rename({"meter": "meter_key"})
        for name in ("assessed", "quality", "suspicions", "days", "meters", *DAY_STEPS)
    }


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
    days = meter_days(assessed, zone)
    counts = count_states(assessed)
    meters = (
        _count(rows, "rows")
        .join(_count(exports, "export_rows"), on="meter", how="left")
        .join(_count(apart, "other_rows"), on="meter", how="left")
        .join(_count(half_hours, "half_hours"), on="meter", how="left")
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
        "meters": meters,
    }
    step_parameters = {**parameters, "timezone": zone}
    return frames | {step: function(days, step_parameters) for step, function in DAY_STEPS.items()}


def _count(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.group_by("meter").agg(pl.len().cast(pl.Int64).alias(name))


def _periods(days: pl.DataFrame) -> pl.DataFrame:
    return days.group_by("meter").agg(
        pl.col("day").min().alias("first_day"),
        pl.col("day").max().alias("last_day"),
        pl.col("kwh").mean().alias("kwh_per_day"),
    )


def _counted(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.filter(pl.col("state").is_in(COUNTED_STATES)).group_by("meter").agg(pl.col("readings").sum())
