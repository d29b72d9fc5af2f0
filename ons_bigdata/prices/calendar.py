"""Calendar of the prices pilot: first day, time zone, cadence, and times of the day's work."""

from __future__ import annotations

from datetime import date

from ons_bigdata.platform.calendar import Cadence, Calendar

LONDON = "Europe/London"

FIRST_DAY = date(2014, 6, 1)
"""Day on which collection began."""

DAYS = Calendar(Cadence.day, FIRST_DAY, LONDON)
"""Days of collection, today included: the day's scrape starts in the morning."""

CALENDARS = (DAYS,)
"""Calendars of the pilot's assets, at most one per cadence."""

SCRAPES_START = "5 8 * * *"
"""Cron expression, London: just after 08:00, when the day's scrapes start."""

SCRAPES_DONE = "35 9 * * *"
"""Cron expression, London: when the scrapes are in; the slowest, at one or two seconds a page, takes under an hour."""

SCRAPES_DUE = "0 12 * * *"
"""Cron expression, London: when some scrape of the day must be in."""


def today() -> date:
    """Present day in London."""
    return DAYS.today()
