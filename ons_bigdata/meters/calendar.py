"""The months and quarters of meter readings: first day, zone and cadence."""

from __future__ import annotations

from datetime import date

from ons_bigdata.platform.calendar import Cadence, Calendar

FIRST_DAY = date(2004, 1, 1)
"""First day of which readings are taken in; the oldest public files of half-hourly readings begin in 2004."""

MONTHS = Calendar(Cadence.month, FIRST_DAY, "UTC")
"""Months in UTC, by which the lake is partitioned; local days are derived."""

CALENDARS = (MONTHS,)
"""Calendars of the pilot's assets, at most one per cadence."""

LOCAL_ZONE = "Europe/London"
"""Zone of local days, where the home's area has no other."""

DAYS_DUE = "0 4 2 * *"
"""Cron expression, UTC: when the days of all meters are made anew."""

ZONES = {
    "cer": "Europe/Dublin",
    "lcl": "Europe/London",
    "nem12": "Australia/Sydney",
    "nem13": "Australia/Sydney",
    "csv": LOCAL_ZONE,
}
"""Zone of the local days of the homes, by format of their files."""
