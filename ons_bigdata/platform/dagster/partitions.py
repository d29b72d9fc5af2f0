"""Calendars and closed vocabularies of partition keys. Knows no pilot's tables."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.calendar import FIRST_DAY, LONDON
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone=LONDON, end_offset=1)
"""Days in London from the pilots' first, today included: the day's scrape starts just after 08:00."""


def contiguous_ranges(days: Sequence[str]) -> list[tuple[str, str]]:
    """Return the (first, last) of each run of consecutive ISO days. `days` is sorted and distinct."""
    if not days:
        return []
    breaks = [
        index
        for index, (earlier, later) in enumerate(pairwise(days), start=1)
        if date.fromisoformat(later).toordinal() - date.fromisoformat(earlier).toordinal() > 1
    ]
    edges = [0, *breaks, len(days)]
    return [(days[start], days[end - 1]) for start, end in pairwise(edges)]


def checked_day(text: str, *, what: str) -> str:
    """Return `text` if it is a daily partition key. Raises InputError with the range that is known."""
    first, last = DAILY.get_first_partition_key(), DAILY.get_last_partition_key()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{what} {text!r} is not a day; expected YYYY-MM-DD") from error
    key = day.isoformat()
    if first is None or last is None or not first <= key <= last:
        raise InputError(f"{what} {key} is outside the calendar, which runs from {first} to {last}")
    return key
