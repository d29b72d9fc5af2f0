"""Automation of the phones pilot, off until it is switched on: deliveries by month, events by day, late files."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.phones.calendar import DAYS, DELIVERIES_DUE, EVENTS_DUE, MONTHS
from ons_bigdata.phones.sources import SOURCES
from ons_bigdata.platform.dagster.automation import calendar_schedule, late_delivery_sensors, propagation_sensor
from ons_bigdata.platform.ingest.sources import with_tables

SCHEDULES: list[dg.ScheduleDefinition] = [
    calendar_schedule("phones", calendar=MONTHS, cron=DELIVERIES_DUE),
    calendar_schedule("phones", calendar=DAYS, cron=EVENTS_DUE),
]
SENSORS: list[dg.SensorDefinition] = [
    *late_delivery_sensors("phones", with_tables(SOURCES)),
    propagation_sensor("phones"),
]
