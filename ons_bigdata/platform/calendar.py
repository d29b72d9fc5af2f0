"""The days that the project knows: from the pilots' first day to today, in London."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = "Europe/London"

FIRST_DAY = date(2014, 6, 1)
"""The pilots began to collect."""


def today() -> date:
    """Return the day in London."""
    return datetime.now(ZoneInfo(LONDON)).date()
