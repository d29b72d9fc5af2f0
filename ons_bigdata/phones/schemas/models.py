"""Frames of the reference models of flows.

Zones keep the type in which they came (text or whole numbers); the columns `origin` and `destination` are no part of a
frame here.
"""

from __future__ import annotations

import dataframely as dy


class ModelledFlow(dy.Schema):
    """One row per pair of zones: the flow that a model expects, with the columns `origin` and `destination`."""

    flow = dy.Float64(min=0.0, description="expected flow, persons")


class UniversePart(dy.Schema):
    """One row per part of a census table: what a comparison with an operator's flows keeps and leaves out."""

    part = dy.String(
        primary_key=True,
        regex="^(commuters|at_home|offshore|no_fixed_place|outside_uk|scotland|northern_ireland|outside_zones)$",
        description="commuters, or the reason for which rows are left out",
    )
    rows = dy.Int64(min=0, description="rows of the table")
    persons = dy.Float64(min=0.0, description="persons of these rows")


class CorrectedFlow(dy.Schema):
    """One row per pair of zones: expected flow with an interval for the flow itself."""

    flow_adjusted = dy.Float64(min=0.0, description="expected flow, persons")
    lower = dy.Float64(min=0.0, description="lower end of the interval, persons")
    upper = dy.Float64(min=0.0, description="upper end of the interval, persons")
