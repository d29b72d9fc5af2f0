"""Readings of the lake, judged bucket by bucket: states, meter-days, and what later areas compute of the days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.calendar import ZONES
from ons_bigdata.meters.methods.bucket import COLUMNS, judge_readings
from ons_bigdata.meters.schemas import quality
from ons_bigdata.meters.schemas.fieldwork import MeterContactDays
from ons_bigdata.meters.sources.reading_files import METER_READINGS
from ons_bigdata.platform.dagster.bucket_assets import BucketMethod, LakeOutput, bucket_tables_asset
from ons_bigdata.platform.dagster.inputs import Table
from ons_bigdata.platform.lake.engine import RowsRead
from ons_bigdata.platform.lake.tables import LakeTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.platform.dagster.inputs import Inputs

METERS = "restricted.meters"
DAYS = "restricted.meter_days"
QUALITY = "restricted.meter_quality"
SUSPICIONS = "restricted.meter_suspicions"
IMPUTED = "restricted.meter_imputed_half_hours"
ABSENT_DAYS = "restricted.meter_absent_days"
QUARTERS = "restricted.meter_quarters"
CONTACT_DAYS = "restricted.meter_contact_days"

ASSESSED_READINGS = LakeTable(
    name="assessed_readings",
    columns={name: column.dtype for name, column in quality.StoredAssessedReading.columns().items()},
    entity_column="meter_key",
    order=("meter_key", "started_at"),
    buckets=METER_READINGS.buckets,
    is_derived=True,
)

PROCESSES = 2
"""Processes that judge the buckets of many readings; each holds a bucket and its results, about a gigabyte at most."""

_STATE_COUNTS = "half hours "
"""Beginning of the metadata with the number of half hours in each state."""


@bucket_tables_asset(
    name="meter_days",
    lake_table=METER_READINGS,
    tables=[
        Table(METERS, quality.Meter, "One row per meter: its period, and what became of its readings."),
        Table(DAYS, quality.StoredMeterDay, "One row per meter and local day with its half hours."),
        Table(QUALITY, quality.MeterQuality, "One row per meter, month and state of half hours with their number."),
        Table(SUSPICIONS, quality.MeterSuspicion, "One row per stretch of days of a meter that look wrong as a whole."),
        Table(IMPUTED, quality.ImputedHalfHour, "One row per half hour without reading that is imputed for sums."),
        Table(ABSENT_DAYS, quality.StoredAbsentDay, "One row per meter and local day: whether nobody was at home."),
        Table(
            CONTACT_DAYS,
            MeterContactDays,
            "One row per meter, weekday and period: days, and those with people at home.",
        ),
        Table(
            QUARTERS,
            quality.MeterQuarter,
            "One row per meter and quarter: whether the home was vacant, and since when.",
        ),
    ],
    lake_outputs=[
        LakeOutput(
            ASSESSED_READINGS,
            quality.StoredAssessedReading,
            "One row per reading, and per expected half hour without any, with its state.",
        )
    ],
    inputs={},
    rows=RowsRead(columns=COLUMNS, is_sorted=False),
    processes=PROCESSES,
)
def meter_days(_inputs: Inputs) -> BucketMethod:
    """Judge the readings of all meters of a bucket in one pass."""
    return BucketMethod(
        judge_readings,
        {"zones": ZONES},
        count=count,
        tables={
            "meters": METERS,
            "days": DAYS,
            "quality": QUALITY,
            "suspicions": SUSPICIONS,
            "imputed": IMPUTED,
            "absent_days": ABSENT_DAYS,
            "quarters": QUARTERS,
            "contact_days": CONTACT_DAYS,
            "assessed": f"lake.{ASSESSED_READINGS.name}",
        },
    )


def count(frames: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Numbers of half hours by state, of meters, and of suspicions by kind."""
    states = frames[QUALITY].group_by("state").agg(pl.col("readings").sum()).sort("state")
    suspicions = frames[SUSPICIONS].group_by("suspicion").agg(pl.len()).sort("suspicion")
    return {
        "meters": frames[METERS].height,
        **{f"{_STATE_COUNTS}{state}": number for state, number in states.iter_rows()},
        **{f"suspicions {suspicion}": number for suspicion, number in suspicions.iter_rows()},
    }


ASSETS = [meter_days]
