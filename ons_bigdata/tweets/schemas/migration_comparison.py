"""Frames of the comparison of estimated with official migration: coverage, bias of areas, errors of registers."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.estimation.schemas import FlowMetric
from ons_bigdata.tweets.schemas.vocabulary import GSS_CODE, HEX_ID, IDENTIFIER, ORIGIN

_RECIPE = "recipe of the clusters, as in `seeds.tweet_cluster_recipes`"
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


class MigrationCoverage(dy.Schema):
    """One row per authority, month and recipe: users with residence per resident, controlled.

    Of months with a residence anywhere (`analysis.migration_coverage`).
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    authority = dy.String(primary_key=True, regex=GSS_CODE, description="GSS code of the authority")
    month = dy.Date(primary_key=True, description="first day of the month")
    residents = dy.Int64(min=0, description="usual residents of the authority")
    users = dy.Int64(nullable=True, min=0, description="users with residence, rounded; null below the threshold")
    penetration = dy.Float64(
        nullable=True, min=0.0, description="users per resident, from rounded users; null below the threshold"
    )
    lower = dy.Float64(nullable=True, min=0.0, max=1.0, description="lower end of its interval")
    upper = dy.Float64(nullable=True, min=0.0, max=1.0, description="upper end of its interval")
    log_bias = dy.Float64(
        nullable=True, description="log of penetration over that of all published authorities in the month"
    )
    active_users = dy.Float64(
        nullable=True,
        min=0.0,
        description="users weighted by the inverse of their chance to be observed, rounded; null below the threshold",
    )
    active_penetration = dy.Float64(
        nullable=True, min=0.0, description="such users per resident; null below the threshold"
    )
    status = dy.String(
        regex="^(published|below_threshold)$", description="published, or below_threshold: too few users to be shown"
    )
    reason = dy.String(nullable=True, description=_REASON)
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the parameters of residence, moves and flows")


class MigrationComparison(FlowMetric):
    """One row per comparison with official figures, year, recipe and metric (`analysis.migration_comparisons`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated, of both sides")
    comparison = dy.String(
        primary_key=True,
        regex="^(authority_rates|region_flows|authority_flows|census_flows)$",
        description="rates of moves in, out and net of authorities, flows between regions or between authorities, "
        "flows between authorities against those of the census of 2021",
    )
    year_ending = dy.Date(
        primary_key=True, description="last day (30 June) of the official year; of the census its day, 21 March 2021"
    )
    quarters = dy.Int32(
        nullable=True,
        min=1,
        max=4,
        description="quarters of that year that the estimate covers; null for flows of the whole period of collection",
    )
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the parameters of residence, moves and flows")


class MigrationAreaBias(dy.Schema):
    """One row per authority, official year, recipe and direction: published estimate against official moves.

    Of authorities of which all quarters of the estimate are published (`analysis.migration_area_bias`).
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated, of both sides")
    authority = dy.String(
        primary_key=True, regex=GSS_CODE, description="GSS code of the authority after the last known change of codes"
    )
    year_ending = dy.Date(primary_key=True, description="last day (30 June) of the official year")
    direction = dy.String(primary_key=True, regex="^(in|out|net)$", description="in, out or net")
    quarters = dy.Int32(min=1, max=4, description="quarters of that year that the estimate covers")
    scale = dy.Float64(
        min_exclusive=0.0,
        description="factor by which the estimates of all these authorities add up to the official moves in and out",
    )
    estimate = dy.Float64(description="estimated moves after scaling, persons")
    reference = dy.Float64(description="official moves, persons")
    difference_per_1000 = dy.Float64(description="estimate - reference per 1,000 residents")
    log_ratio = dy.Float64(nullable=True, description="log of estimate over reference; null with a reason")
    reason = dy.String(nullable=True, description=_REASON)
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the parameters of residence, moves and flows")
