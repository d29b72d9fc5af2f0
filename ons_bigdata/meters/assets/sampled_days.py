"""Meter-days of a few homes, made of the assessed readings in the lake, for assets that need half hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.assets.quality import ASSESSED_READINGS
from ons_bigdata.meters.methods.days import meter_days
from ons_bigdata.platform.lake.tables import bucket_of

if TYPE_CHECKING:
    from ons_bigdata.platform.dagster.inputs import Inputs

_COLUMNS = ("started_at", "kwh", "state")


def sampled_readings(inputs: Inputs, meters: pl.Series) -> pl.DataFrame:
    """Assessed half hours (meter, started_at, kwh, state) of some meters, of the input `readings`.

    Only the buckets of these meters are read.
    """
    keys = pl.DataFrame({"key": meters})
    buckets = set(keys.select(bucket_of(pl.col("key"), ASSESSED_READINGS.buckets))["key"])
    parts = [
        bucket.filter(pl.col("meter_key").is_in(meters.implode()))
        .select(pl.col("meter_key").alias("meter"), *_COLUMNS)
        .collect()
        for number, bucket in enumerate(inputs.scan_buckets("readings"))
        if number in buckets
    ]
    schema = pl.Schema({"meter": pl.Int64(), **{name: ASSESSED_READINGS.columns[name] for name in _COLUMNS}})
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def sampled_days(inputs: Inputs, zones: dict[int, str]) -> pl.DataFrame:
    """Meter-days (frame MeterDay) of meters with the zone of each; empty without any."""
    readings = sampled_readings(inputs, pl.Series(list(zones), dtype=pl.Int64))
    by_zone = readings.with_columns(pl.col("meter").replace_strict(zones, return_dtype=pl.String).alias("zone"))
    days = [
        meter_days(part.drop("zone"), str(zone))
        for (zone,), part in sorted(by_zone.partition_by("zone", as_dict=True).items())
    ]
    return pl.concat(days) if days else pl.DataFrame()
