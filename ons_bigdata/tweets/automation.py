"""Schedules of the tweets pilot: none; archives arrive by `ons-bigdata ingest tweets`."""

from __future__ import annotations

import dagster as dg

SCHEDULES: list[dg.ScheduleDefinition] = []
JOBS: list[dg.JobDefinition] = []
SENSORS: list[dg.SensorDefinition] = []
