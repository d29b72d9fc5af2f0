"""Dagster's partitions of calendars."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster.partitions import calendar_of, partitions_of

ZONE = "Europe/London"


@pytest.mark.parametrize("cadence", Cadence)
def test_partitions_have_the_keys_of_their_calendar_up_to_the_present_period(cadence: Cadence) -> None:
    calendar = Calendar(cadence, date(2014, 6, 1), ZONE)
    keys = partitions_of(calendar).get_partition_keys()
    assert keys == calendar.keys(date(2014, 6, 1), calendar.today())
    assert partitions_of(calendar) == partitions_of(Calendar(cadence, date(2014, 6, 1), ZONE))


@pytest.mark.parametrize("cadence", Cadence)
def test_the_calendar_of_partitions_is_theirs(cadence: Cadence) -> None:
    calendar = Calendar(cadence, date(2014, 7, 1), ZONE)
    assert calendar_of(partitions_of(calendar)) == calendar
    assert calendar_of(None) is None


def test_partitions_of_no_calendar_are_refused() -> None:
    with pytest.raises(ValueError, match="StaticPartitionsDefinition: expected those of a calendar"):
        calendar_of(dg.StaticPartitionsDefinition(["a"]))
    with pytest.raises(ValueError, match="expected one of 0 0"):
        calendar_of(dg.WeeklyPartitionsDefinition("2016-01-03"))
