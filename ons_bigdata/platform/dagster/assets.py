"""Attributes that the assets of every pilot share: group, owner, area and columns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from ons_bigdata.platform.dagster.frames import column_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import dataframely as dy

PILOT = "pilot"
"""Tag of an asset: its pilot. `tag:pilot=…` selects all assets of a pilot."""

AREA = "area"
"""Tag of an asset: the area of its pilot. The graph of a whole pilot is too large to be read at once."""

PERSONAL = "personal"
"""Tag of an asset or dbt model whose rows are about single people, homes or devices."""


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
    """Set group, owner, tags, column schema and code link of assets.

    The group is `<pilot>_<area>`; columns come from the frame that `frames` has for the table, and the link leads to
    the function of the asset, unless the asset declares its own.
    """

    def annotate(spec: dg.AssetSpec, link: Mapping[str, Any]) -> dg.AssetSpec:
        frame = frames.get(".".join(spec.key.path))
        columns = {} if frame is None else {"dagster/column_schema": column_schema(frame)}
        return spec.replace_attributes(
            group_name=group_name(pilot, area),
            owners=[f"team:{pilot}"],
            tags={**spec.tags, PILOT: pilot, AREA: area},
            metadata={**columns, **link, **spec.metadata},
        )

    annotated: list[dg.AssetsDefinition | dg.AssetSpec] = []
    for asset in assets:
        link = _link_to_function(asset)
        annotated.extend(dg.map_asset_specs(partial(annotate, link=link), [asset]))
    return annotated


def code_link(function: Callable[..., Any]) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Metadata that links an asset to the file and line of a function."""
    while isinstance(function, partial) or hasattr(function, "__wrapped__"):
        function = function.func if isinstance(function, partial) else function.__wrapped__
    code = function.__code__
    reference = dg.LocalFileCodeReference(file_path=code.co_filename, line_number=code.co_firstlineno)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _link_to_function(asset: dg.AssetsDefinition | dg.AssetSpec) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Link to the function that an asset was made of; none for an external asset."""
    if isinstance(asset, dg.AssetSpec) or not isinstance(asset.node_def, dg.OpDefinition):
        return {}
    function: Any = asset.node_def.compute_fn
    return code_link(getattr(function, "decorated_fn", function))
