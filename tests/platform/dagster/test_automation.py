"""Schedules of calendars."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster.automation import calendar_schedule
from ons_bigdata.platform.dagster.partitions import partitions_of

ZONE = "Europe/London"


@pytest.mark.parametrize(
    ("cadence", "key"), [(Cadence.day, "2016-06-12"), (Cadence.month, "2016-06-01"), (Cadence.quarter, "2016-04-01")]
)
def test_a_tick_requests_the_period_of_its_day_in_the_zone_of_the_calendar(cadence: Cadence, key: str) -> None:
    calendar = Calendar(cadence, date(2014, 6, 1), ZONE)

    @dg.asset(partitions_def=partitions_of(calendar))
    def readings() -> None:
        """Build nothing."""

    schedule = calendar_schedule("readings", dg.AssetSelection.assets("readings"), calendar=calendar, cron="35 0 * * *")
    assert schedule.execution_timezone == ZONE
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    repository = dg.Definitions([readings], schedules=[schedule]).get_repository_def()
    night = datetime(2016, 6, 11, 23, 35, tzinfo=ZoneInfo("UTC"))  # past midnight in London
    context = dg.build_schedule_context(scheduled_execution_time=night, repository_def=repository)
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.run_key) == (key, "2016-06-12")
