"""Schedules, and freshness policies once live sources feed assets. What is scheduled, the pilots say."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import dagster as dg

from ons_bigdata.platform.calendar import LONDON

SCRAPES_START = "5 8 * * *"
"""Just after 08:00 in London, when the day's scrapes start."""

SCRAPES_DONE = "35 9 * * *"
"""When they are in: the slowest at a second or two a page takes under an hour."""


def daily_schedule(name: str, selection: dg.AssetSelection, *, cron: str) -> dg.ScheduleDefinition:
    """Return a schedule that materialises `selection` for the day in London. Off until it is switched on."""
    job = dg.define_asset_job(name, selection=selection, description="The selected assets for one day.")

    @dg.schedule(
        job=job,
        name=f"{name}_schedule",
        cron_schedule=cron,
        execution_timezone=LONDON,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Runs {name} for the present day. Off until it is switched on.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(LONDON)).date().isoformat()
        return dg.RunRequest(run_key=day, partition_key=day)

    return schedule
