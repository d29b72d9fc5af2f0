"""Frames of migration: flows between areas, gross and net moves of areas, and the surface over windows."""

from __future__ import annotations

import dataframely as dy

_PERIOD = "first day of the period; of the first one if there is one period"
_INTERVAL = "95 % interval unless another level was asked for"


class MigrationFlow(dy.Schema):
    """One row per origin, destination and period with a detected move, or with an estimate from smoothing."""

    origin = dy.String(primary_key=True, description="area of the residence before")
    destination = dy.String(primary_key=True, description="area of the residence after")
    period = dy.Date(primary_key=True, description=_PERIOD)
    moves = dy.Int64(min=0, description="users with such a move (a user who moves twice counts twice)")
    flow = dy.Float64(nullable=True, min=0.0, description="estimated moves of residents; null with a reason")
    lower = dy.Float64(nullable=True, min=0.0, description=f"lower end of the {_INTERVAL}")
    upper = dy.Float64(nullable=True, min=0.0, description=f"upper end of the {_INTERVAL}")
    reason = dy.String(nullable=True, description="why there is no estimate; null where there is one")


class AreaMigration(dy.Schema):
    """One row per area and period: moves to and from the area, estimated for its residents."""

    area = dy.String(primary_key=True, description="area")
    period = dy.Date(primary_key=True, description=_PERIOD)
    moves_in = dy.Int64(min=0, description="users who moved in")
    moves_out = dy.Int64(min=0, description="users who moved out")
    inflow = dy.Float64(nullable=True, min=0.0, description="estimated moves in; null with a reason")
    inflow_lower = dy.Float64(nullable=True, min=0.0, description=f"lower end of the {_INTERVAL}")
    inflow_upper = dy.Float64(nullable=True, min=0.0, description=f"upper end of the {_INTERVAL}")
    outflow = dy.Float64(nullable=True, min=0.0, description="estimated moves out; null with a reason")
    outflow_lower = dy.Float64(nullable=True, min=0.0, description=f"lower end of the {_INTERVAL}")
    outflow_upper = dy.Float64(nullable=True, min=0.0, description=f"upper end of the {_INTERVAL}")
    net = dy.Float64(nullable=True, description="inflow - outflow")
    net_lower = dy.Float64(nullable=True, description=f"lower end of the {_INTERVAL}")
    net_upper = dy.Float64(nullable=True, description=f"upper end of the {_INTERVAL}")
    reason = dy.String(nullable=True, description="why an estimate is missing; null where all exist")


class SurfaceCell(dy.Schema):
    """One row per gap and window: the share of users who live elsewhere after the gap."""

    interval_months = dy.Int32(primary_key=True, min=1, description="months between the two windows' neighbouring ends")
    duration_months = dy.Int32(primary_key=True, min=1, description="months of each window")
    starts = dy.Int64(min=0, description="pairs of a user and a first month that the period has room for")
    observable = dy.Int64(min=0, description="of these, pairs with one area throughout each of the two windows")
    users = dy.Int64(min=0, description="users with such a pair")
    share_observable = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="observable / starts; null without starts"
    )
    moved = dy.Int64(min=0, description="observable pairs with different areas in the two windows")
    share_moved = dy.Float64(nullable=True, min=0.0, max=1.0, description="moved / observable; null with a reason")
    lower = dy.Float64(nullable=True, min=0.0, max=1.0, description=f"lower end of the {_INTERVAL}, users drawn")
    upper = dy.Float64(nullable=True, min=0.0, max=1.0, description=f"upper end of the {_INTERVAL}, users drawn")
    reason = dy.String(nullable=True, description="why there is no share; null where there is one")
