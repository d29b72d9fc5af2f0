"""Schedules that materialise assets for the present period of a calendar. Pilots choose the assets."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import dagster as dg

from ons_bigdata.platform.calendar import Calendar


def calendar_schedule(
    name: str, selection: dg.AssetSelection, *, calendar: Calendar, cron: str
) -> dg.ScheduleDefinition:
    """Schedule that materialises `selection` for the period of `calendar` that contains the day of the tick.

    The partitioned assets of the selection are those of this calendar: a run has a single calendar. `cron` is in the
    calendar's time zone. The schedule is off until somebody switches it on.
    """
    job = dg.define_asset_job(
        name, selection=selection, description=f"The selected assets for one {calendar.cadence.value}."
    )

    @dg.schedule(
        job=job,
        name=f"{name}_schedule",
        cron_schedule=cron,
        execution_timezone=calendar.zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Runs {name} for the present {calendar.cadence.value}. Off until it is switched on.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(calendar.zone)).date()
        # a month's run is repeated as its days come in: the tick's day names the run, the calendar its partition
        return dg.RunRequest(run_key=day.isoformat(), partition_key=calendar.key(day))

    return schedule
