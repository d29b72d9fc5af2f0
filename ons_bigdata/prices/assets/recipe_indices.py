"""Indices by named recipe, with their uncertainty and diagnostics."""

import dagster as dg

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = []
