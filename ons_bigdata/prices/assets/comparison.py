"""Comparison with the official figures, of methods, of frequencies and of sources."""

import dagster as dg

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = []
