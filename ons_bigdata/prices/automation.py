"""Schedules of the prices pilot: the day's scrapes, and the day's figures once the scrapes are in."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import dagster as dg

from ons_bigdata.platform.dagster.automation import calendar_schedule, late_delivery_sensors, propagation_sensor
from ons_bigdata.platform.ingest.sources import with_tables
from ons_bigdata.prices.calendar import DAYS, LONDON, SCRAPES_DONE, SCRAPES_START
from ons_bigdata.prices.sources import SOURCES
from ons_bigdata.prices.sources.retailer_files import retailers_with_file
from ons_bigdata.prices.sources.retailers import is_scrape_day, read_retailers, read_rhythms
from ons_bigdata.settings import get_settings


@dg.schedule(
    job_name="prices_scrape_runs",
    name="price_scrapes_schedule",
    cron_schedule=SCRAPES_START,
    execution_timezone=LONDON,
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description=(
        "Scrapes each retailer that has a retailer file, just after 08:00, on the days of its rhythm. Off until it is"
        " switched on."
    ),
)
def scrape_schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request one run for each known retailer that has a retailer file and is due by its rhythm of collection."""
    settings = get_settings()
    day = context.scheduled_execution_time.astimezone(ZoneInfo(LONDON)).date()
    known, rhythms = read_retailers(settings.dbt_project_dir), read_rhythms(settings.dbt_project_dir)
    scraped = [retailer for retailer in retailers_with_file(settings.retailers_dir) if retailer in known]
    if not scraped:
        yield dg.SkipReason(f"no retailer file in {settings.retailers_dir}")
    due = [retailer for retailer in scraped if is_scrape_day(rhythms[retailer], day)]
    if scraped and not due:
        yield dg.SkipReason(f"no retailer is due on {day:%A} {day}")
    for retailer in due:
        key = dg.MultiPartitionKey({"day": day.isoformat(), "retailer": retailer})
        yield dg.RunRequest(run_key=key, partition_key=key)


SCHEDULES: list[dg.ScheduleDefinition] = [
    scrape_schedule,
    calendar_schedule("prices", calendar=DAYS, cron=SCRAPES_DONE),
]
SENSORS: list[dg.SensorDefinition] = [
    *late_delivery_sensors("prices", with_tables(SOURCES)),
    propagation_sensor("prices"),
]
