"""Frames of migration: flows between areas, gross and net moves of areas, and the surface over windows."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import HEX_ID, IDENTIFIER, ORIGIN

_PERIOD = "first day of the period; of the first one if there is one period"
_INTERVAL = "95 % interval unless another level was asked for"
_RECIPE = "recipe of the clusters, as in `seeds.tweet_cluster_recipes`"
_ORIGIN = "real or simulated"
_PARAMETERS = "hash of the parameters of residence, moves and flows"
_LEVEL = "^(authority|region)$"
_LEVEL_TEXT = "kind of the areas: authority or region"
_STATUS = "^(published|below_threshold)$"
_STATUS_TEXT = "published, or below_threshold: fewer users than may be shown"


class MigrationFlow(dy.Schema):
    """One row per origin, destination and period with a detected move, or with a pooled or smoothed estimate."""

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


class TweetMigrationFlow(MigrationFlow):
    """One row per origin, destination, period, kind of areas and recipe: flows, not controlled.

    (`restricted.tweet_migration_flows`)
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)
    level = dy.String(primary_key=True, regex=_LEVEL, description=_LEVEL_TEXT)
    parameters_hash = dy.String(regex=HEX_ID, description=_PARAMETERS)


class TweetAreaMigration(AreaMigration):
    """One row per area, quarter, kind of area and recipe: moves in and out, not controlled.

    (`restricted.tweet_area_migration`)
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)
    level = dy.String(primary_key=True, regex=_LEVEL, description=_LEVEL_TEXT)
    parameters_hash = dy.String(regex=HEX_ID, description=_PARAMETERS)


class TweetMigrationSurface(SurfaceCell):
    """One row per gap, window and recipe: the share of users who live elsewhere, not controlled.

    (`restricted.tweet_migration_surface`)
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)
    parameters_hash = dy.String(regex=HEX_ID, description=_PARAMETERS)


class ControlledFlow(dy.Schema):
    """One row per origin, destination, period, kind of areas and recipe, controlled.

    Of areas between which a user moved (`analysis.internal_migration_flows`).
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)
    level = dy.String(primary_key=True, regex=_LEVEL, description=_LEVEL_TEXT)
    origin = dy.String(primary_key=True, description="area of the residence before")
    destination = dy.String(primary_key=True, description="area of the residence after")
    period = dy.Date(primary_key=True, description=_PERIOD)
    moves = dy.Int64(nullable=True, min=0, description="moves of users, rounded; null below the threshold")
    flow = dy.Float64(nullable=True, min=0.0, description="estimated moves of residents; null below the threshold")
    lower = dy.Float64(nullable=True, min=0.0, description=f"lower end of the {_INTERVAL}")
    upper = dy.Float64(nullable=True, min=0.0, description=f"upper end of the {_INTERVAL}")
    status = dy.String(regex=_STATUS, description=_STATUS_TEXT)
    reason = dy.String(nullable=True, description="why there is no estimate; null where there is one")
    parameters_hash = dy.String(regex=HEX_ID, description=_PARAMETERS)


class ControlledAreaMigration(dy.Schema):
    """One row per area, quarter, kind of area and recipe, controlled (`analysis.internal_migration_areas`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)
    level = dy.String(primary_key=True, regex=_LEVEL, description=_LEVEL_TEXT)
    area = dy.String(primary_key=True, description="area")
    period = dy.Date(primary_key=True, description=_PERIOD)
    measure = dy.String(primary_key=True, regex="^(inflow|outflow|net)$", description="inflow, outflow or net")
    moves = dy.Int64(
        nullable=True, description="moves of users that were seen, rounded; null below the threshold and for the net"
    )
    value = dy.Float64(nullable=True, description="estimated moves of residents; null below the threshold")
    lower = dy.Float64(nullable=True, description=f"lower end of the {_INTERVAL}")
    upper = dy.Float64(nullable=True, description=f"upper end of the {_INTERVAL}")
    status = dy.String(regex=_STATUS, description=_STATUS_TEXT)
    reason = dy.String(nullable=True, description="why there is no estimate; null where there is one")
    parameters_hash = dy.String(regex=HEX_ID, description=_PARAMETERS)


class ControlledSurface(dy.Schema):
    """One row per gap, window and recipe, controlled (`analysis.internal_migration_surface`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)
    interval_months = dy.Int32(primary_key=True, min=1, description="months between the ends of the two windows")
    duration_months = dy.Int32(primary_key=True, min=1, description="months of each window")
    share_observable = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of pairs of user and first month that could be observed"
    )
    moved = dy.Int64(nullable=True, min=0, description="pairs with another area after the gap, rounded; null below")
    share_moved = dy.Float64(nullable=True, min=0.0, max=1.0, description="share that moved; null below the threshold")
    lower = dy.Float64(nullable=True, min=0.0, max=1.0, description=f"lower end of the {_INTERVAL}, users drawn")
    upper = dy.Float64(nullable=True, min=0.0, max=1.0, description=f"upper end of the {_INTERVAL}, users drawn")
    status = dy.String(regex=_STATUS, description=_STATUS_TEXT)
    reason = dy.String(nullable=True, description="why there is no share; null where there is one")
    parameters_hash = dy.String(regex=HEX_ID, description=_PARAMETERS)
