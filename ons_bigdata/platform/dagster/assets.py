"""Attributes that the assets of every pilot share: group, owner, area and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.dagster.frames import column_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import dataframely as dy

PILOT = "pilot"
"""Tag of an asset: its pilot. `tag:pilot=…` selects all assets of a pilot."""

AREA = "area"
"""Tag of an asset: the area of its pilot. The graph of a whole pilot is too large to be read at once."""


def group_name(pilot: str, area: str) -> str:
    """Name of the Dagster group of an area of a pilot."""
    return f"{pilot}_{area}"


def annotate_assets(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec],
    *,
    pilot: str,
    area: str,
    frames: Mapping[str, type[dy.Schema]],
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Set group, owner, tags and column schema of assets.

    The group is `<pilot>_<area>`; columns come from the frame that `frames` has for the table, unless the asset
    declares its own.
    """

    def annotate(spec: dg.AssetSpec) -> dg.AssetSpec:
        frame = frames.get(".".join(spec.key.path))
        columns = {} if frame is None else {"dagster/column_schema": column_schema(frame)}
        return spec.replace_attributes(
            group_name=group_name(pilot, area),
            owners=[f"team:{pilot}"],
            tags={**spec.tags, PILOT: pilot, AREA: area},
            metadata={**columns, **spec.metadata},
        )

    return list(dg.map_asset_specs(annotate, assets))
