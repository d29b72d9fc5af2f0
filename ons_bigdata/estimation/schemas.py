"""Frames that the methods of this package make: columns, types, units and bounds.

Users, places and zones keep the type in which they came (text or whole numbers); it is no part of a frame here.
"""

from __future__ import annotations

import dataframely as dy


class LabelledPlace(dy.Schema):
    """One row per user, place and label: a place that is a home or a workplace of the user.

    With the columns `user` and `place` of the stays.
    """

    label = dy.String(regex="^(home|work)$", description="home or work")
    probability = dy.Float64(min=0.0, max=1.0, description="estimated probability that the label is right")


class HomeChange(dy.Schema):
    """One row per change of home: with the columns `user`, `from_place` and `to_place`."""

    changed_on = dy.Date(description="date of the first night at the second home, local time")
    nights_before = dy.Int64(min=1, description="nights at the first home before")
    nights_after = dy.Int64(min=1, description="nights at the second home from then on")


class FlowMetric(dy.Schema):
    """One row per metric of the agreement of two tables of flows."""

    metric = dy.String(primary_key=True, regex="^[a-z0-9_+-]+$", description="name of the metric")
    value = dy.Float64(nullable=True, description="its value; null where it is not defined, see reason")
    lower = dy.Float64(nullable=True, description="lower end of the interval; null where there is none, see reason")
    upper = dy.Float64(nullable=True, description="upper end of the interval; null where there is none, see reason")
    reason = dy.String(nullable=True, description="reason why value or interval are missing; null where both exist")


class AdjustedFlow(dy.Schema):
    """One row per cell of a table of flows, with the columns `origin` and `destination` as they came."""

    flow = dy.Float64(min=0.0, description="flow as given")
    flow_adjusted = dy.Float64(min=0.0, description="flow adjusted to margins or for coverage")


class ClassBias(dy.Schema):
    """One row per class of a classification of pairs: signed bias of the estimate in it."""

    classification = dy.String(primary_key=True, description="name of the classification, such as distance_band")
    category = dy.String(primary_key=True, description="class of the pairs")
    pairs = dy.Int64(min=0, description="compared pairs of the class")
    origins = dy.Int64(min=0, description="origins with a flow of the class in a table")
    estimate = dy.Float64(min=0.0, description="sum of the estimate, scaled if asked for")
    reference = dy.Float64(min=0.0, description="sum of the reference")
    log_bias = dy.Float64(nullable=True, description="log(estimate / reference); null where a sum is 0, see reason")
    lower = dy.Float64(nullable=True, description="lower end of the interval; null where there is none, see reason")
    upper = dy.Float64(nullable=True, description="upper end of the interval; null where there is none, see reason")
    reason = dy.String(nullable=True, description="reason why bias or interval are missing; null where both exist")


class LevelMetric(dy.Schema):
    """One row per level of validation and metric."""

    level = dy.String(
        primary_key=True,
        regex="^(totals|margins|pairs|residuals|distribution)$",
        description="totals, margins, pairs, residuals or distribution",
    )
    metric = dy.String(primary_key=True, regex="^[a-z0-9_+-]+$", description="name of the metric")
    value = dy.Float64(nullable=True, description="its value; null where it is not defined, see reason")
    lower = dy.Float64(nullable=True, description="lower end of the interval; null where there is none, see reason")
    upper = dy.Float64(nullable=True, description="upper end of the interval; null where there is none, see reason")
    reason = dy.String(nullable=True, description="reason why value or interval are missing; null where both exist")
    floor = dy.Float64(nullable=True, description="value of a perfect sample of the same size; null without a size")


class ZoneResidual(dy.Schema):
    """One row per zone: residual and local Moran's I, with the column `zone` as it came."""

    residual = dy.Float64(description="log((estimate + 0.5) / (reference + 0.5)) of the zone's total")
    local_moran = dy.Float64(nullable=True, description="local Moran's I; null where residuals do not vary")


class FloorMetric(dy.Schema):
    """One row per metric: agreement of perfect samples with the table that they were drawn from."""

    metric = dy.String(primary_key=True, regex="^[a-z0-9_+-]+$", description="name of the metric")
    value = dy.Float64(nullable=True, description="mean over the samples; null where no sample has a value")
    lower = dy.Float64(nullable=True, description="lower end of the central range over the samples")
    upper = dy.Float64(nullable=True, description="upper end of the central range over the samples")
