"""Internal migration estimated from the moves of users: flows, gross and net moves of areas, the surface of windows."""

from __future__ import annotations

from ons_bigdata.tweets.methods.migration.area_flows import area_migration, flows, penetration_weights
from ons_bigdata.tweets.methods.migration.pooled import pooled_area_migration, pooled_flows
from ons_bigdata.tweets.methods.migration.surface import migration_surface

__all__ = [
    "area_migration",
    "flows",
    "migration_surface",
    "penetration_weights",
    "pooled_area_migration",
    "pooled_flows",
]
