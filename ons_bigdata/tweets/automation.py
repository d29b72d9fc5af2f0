"""Automation of the tweets pilot, off until it is switched on: the places of users, once a day."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.automation import calendar_schedule, propagation_sensor
from ons_bigdata.tweets.calendar import DAYS, PLACES_DUE

SCHEDULES: list[dg.ScheduleDefinition] = [calendar_schedule("tweets", calendar=DAYS, cron=PLACES_DUE)]
SENSORS: list[dg.SensorDefinition] = [propagation_sensor("tweets")]
