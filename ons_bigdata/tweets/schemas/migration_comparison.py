"""Frames of the comparison of estimated with official migration: coverage, bias of areas, errors of registers."""

from __future__ import annotations

import dataframely as dy

_REASON = "why a value or an interval is missing; null where all exist"


class AreaCoverage(dy.Schema):
    """One row per area: how many of its residents are users, and whether more or fewer than elsewhere."""

    area = dy.String(primary_key=True, description="area")
    users = dy.Int64(min=0, description="users with residence in the area")
    residents = dy.Float64(min_exclusive=0.0, description="residents, persons")
    penetration = dy.Float64(min=0.0, description="users per resident")
    lower = dy.Float64(nullable=True, min=0.0, max=1.0, description="lower end of the interval of the penetration")
    upper = dy.Float64(nullable=True, min=0.0, max=1.0, description="upper end of the interval of the penetration")
    log_bias = dy.Float64(
        nullable=True, description="log of penetration over that of all areas together; null without users"
    )
    reason = dy.String(nullable=True, description=_REASON)


class AreaBias(dy.Schema):
    """One row per area and direction: estimated against official moves."""

    area = dy.String(primary_key=True, description="area")
    direction = dy.String(primary_key=True, regex="^(in|out|net)$", description="in, out or net")
    estimate = dy.Float64(description="estimated moves, persons")
    reference = dy.Float64(description="official moves, persons")
    difference_per_1000 = dy.Float64(description="estimate - reference per 1,000 residents")
    log_ratio = dy.Float64(nullable=True, description="log of estimate over reference; null with a reason")
    reason = dy.String(nullable=True, description=_REASON)


class RegisterError(dy.Schema):
    """One row per estimator and measure of its error on areas that it did not see, and the gain by the covariate."""

    estimator = dy.String(
        primary_key=True,
        regex="^(register|recalibrated|with_events|gain)$",
        description="register as it is; recalibrated without events; with_events; gain = recalibrated - with_events",
    )
    measure = dy.String(primary_key=True, regex="^(rmse|mae|bias)$", description="rmse, mae or bias")
    value = dy.Float64(description="error of the net rate, moves per 1,000 residents of the age group")
    lower = dy.Float64(nullable=True, description="lower end of the interval; null with a reason")
    upper = dy.Float64(nullable=True, description="upper end of the interval; null with a reason")
    reason = dy.String(nullable=True, description=_REASON)
