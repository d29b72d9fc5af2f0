"""Dagster's partitions of calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime

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


def test_days_are_those_of_dagster_and_grow_with_the_present() -> None:
    ours = partitions_of(Calendar(Cadence.day, date(2014, 4, 1), "Europe/London"))
    theirs = dg.DailyPartitionsDefinition(start_date="2014-04-01", timezone="Europe/London", end_offset=1)
    for now in (datetime(2014, 4, 9, 12, tzinfo=UTC), datetime(2014, 4, 9, 23, 30, tzinfo=UTC), None):
        assert ours.get_partition_keys(now) == theirs.get_partition_keys(now)
    assert ours.get_partition_keys(datetime(2014, 4, 2, tzinfo=UTC)) == ["2014-04-01", "2014-04-02"]
    assert ours.get_last_partition_key() == ours.get_partition_keys()[-1]
