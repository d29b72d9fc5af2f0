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
