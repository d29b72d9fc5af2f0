"""The months of deliveries and the days of events: first of each, zone and cadence."""

from __future__ import annotations

from datetime import date

from ons_bigdata.platform.calendar import Cadence, Calendar

FIRST_DAY = date(2011, 1, 1)
"""First day of which deliveries are taken in; the census to compare with is that of March 2011."""

MONTHS = Calendar(Cadence.month, FIRST_DAY, "Europe/London")

DAYS = Calendar(Cadence.day, FIRST_DAY, "UTC")
"""Days of events of devices in UTC, which is how the lake is partitioned; local time is derived."""

CALENDARS = (MONTHS, DAYS)
"""Calendars of the pilot's assets, at most one per cadence."""

DELIVERIES_DUE = "0 6 15 * *"
"""Cron expression, London: tables of the present month are made. Files of earlier months come by the sensor of late
files."""

EVENTS_DUE = "0 4 * * *"
"""Cron expression, UTC: when events of devices of the day before are taken up."""
