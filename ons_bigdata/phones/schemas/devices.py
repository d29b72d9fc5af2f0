"""Homes and workplaces of devices by the rules of a specification, and devices that go with another one."""

from __future__ import annotations

from typing import Final

import dataframely as dy

HOME_REASONS: Final = ("few_active_days", "few_nights", "ambiguous")
"""Reasons why a device has no home: too few days or nights were seen, or no cell has enough of the nights."""
WORK_REASONS: Final = ("few_active_days", "no_home", "few_working_days", "at_home")
"""Reasons why a device has no workplace; `at_home` if its daytime place is its home."""
WORKER_STATUSES: Final = ("worker", "home_or_near_worker", "non_worker", "undefined", "student", "unknown")


class DeviceAnchor(dy.Schema):
    """One row per device: home and work by the rules of a specification, with the columns `device`, `home`, `work`.

    Devices and cells keep the type in which they came; `home` and `work` are null with a reason where there is too
    little evidence. `workplaces` lists all workplaces, `work` first.
    """

    events = dy.Int64(min=1, description="events that count")
    active_days = dy.Int64(min=1, description="distinct local dates with an event")
    nights = dy.Int64(min=0, description="nights in which any cell counts")
    home_nights = dy.Int64(min=0, description="nights that count at the cell with most of them")
    home_share = dy.Float64(nullable=True, min=0.0, max=1.0, description="home_nights in nights; null without a night")
    home_confidence = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="probability that this cell has more nights than the next one, by the "
        "normal approximation to their difference; null without a home",
    )
    home_reason = dy.String(
        nullable=True, regex="^(" + "|".join(HOME_REASONS) + ")$", description="reason why there is no home"
    )
    working_days = dy.Int64(min=0, description="distinct days with enough dwell at any cell")
    work_days = dy.Int64(min=0, description="working days at the workplace")
    work_hours = dy.Float64(min=0.0, description="hours there within working hours")
    work_share = dy.Float64(nullable=True, min=0.0, max=1.0, description="work_days in working_days; null without one")
    days_per_week = dy.Float64(min=0.0, max=7.0, description="working days at the workplace in a week of observed days")
    work_reason = dy.String(
        nullable=True, regex="^(" + "|".join(WORK_REASONS) + ")$", description="reason why there is no workplace"
    )
    status = dy.String(regex="^(" + "|".join(WORKER_STATUSES) + ")$", description="worker, …, unknown without evidence")
    is_part_time = dy.Bool(description="fewer working days a week than full-time")
    swapped_nights = dy.Int64(min=0, description="nights away from the place of free time, followed by a day at it")
    shift_candidate = dy.Bool(description="enough swapped nights: home and work may be exchanged")


class DeviceDuplicity(dy.Schema):
    """One row per device, with the columns `device` and `companion` (the likeliest other device; null without)."""

    steps = dy.Int64(min=0, description="times at which the device was seen")
    probability = dy.Float64(
        min=0.0, max=1.0, description="posterior probability that another device has the same carrier"
    )
    log_ratio = dy.Float64(
        nullable=True, description="log likelihood ratio of the companion, same carrier against another; null without"
    )
