"""Automation of the meters pilot, off until it is switched on: days of all meters once a month; late files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.calendar import DAYS_DUE, MONTHS
from ons_bigdata.meters.sources import SOURCES
from ons_bigdata.platform.dagster.automation import calendar_schedule, late_delivery_sensors, propagation_sensor
from ons_bigdata.platform.ingest.sources import with_tables

if TYPE_CHECKING:
    import dagster as dg

SCHEDULES: list[dg.ScheduleDefinition] = [calendar_schedule("meters", calendar=MONTHS, cron=DAYS_DUE)]
SENSORS: list[dg.SensorDefinition] = [
    *late_delivery_sensors("meters", with_tables(SOURCES)),
    propagation_sensor("meters"),
]
