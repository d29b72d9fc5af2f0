"""When the tweets pilot works by itself: the places of users, once a day."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.automation import calendar_schedule
from ons_bigdata.tweets.areas import AREAS
from ons_bigdata.tweets.calendar import DAYS, PLACES_DUE

SCHEDULES: list[dg.ScheduleDefinition] = [
    calendar_schedule(
        "tweets_daily",
        dg.AssetSelection.groups(*(f"tweets_{area}" for area in AREAS)),
        calendar=DAYS,
        cron=PLACES_DUE,
    ),
]
JOBS: list[dg.JobDefinition] = []
SENSORS: list[dg.SensorDefinition] = []
