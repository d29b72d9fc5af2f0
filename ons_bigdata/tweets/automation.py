"""Automation of the tweets pilot, off until it is switched on: places of users once a day; rolled and late files."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.automation import (
    calendar_schedule,
    late_delivery_sensors,
    propagation_sensor,
    rolled_files_sensor,
)
from ons_bigdata.platform.ingest.sources import with_tables
from ons_bigdata.tweets.calendar import DAYS, PLACES_DUE
from ons_bigdata.tweets.sources import SOURCES
from ons_bigdata.tweets.sources.rolled_files import first_day

SCHEDULES: list[dg.ScheduleDefinition] = [calendar_schedule("tweets", calendar=DAYS, cron=PLACES_DUE)]
SENSORS: list[dg.SensorDefinition] = [
    *late_delivery_sensors("tweets", with_tables(SOURCES)),
    rolled_files_sensor("tweets", with_tables(SOURCES), calendar=DAYS, first_day=first_day),
    propagation_sensor("tweets"),
]
