"""The days of geo-located events: first day, zone and cadence."""

from __future__ import annotations

from datetime import date

from ons_bigdata.platform.calendar import Cadence, Calendar

FIRST_DAY = date(2008, 1, 1)
"""First day of which events are taken in; the oldest archives of check-ins begin in spring 2008."""

DAYS = Calendar(Cadence.day, FIRST_DAY, "UTC")
"""Days in UTC, which is how the lake is partitioned; local time is derived."""

CALENDARS = (DAYS,)
"""Calendars of the pilot's assets, at most one per cadence."""

PLACES_DUE = "30 3 * * *"
"""Cron expression, UTC: when the places of users are made anew."""
