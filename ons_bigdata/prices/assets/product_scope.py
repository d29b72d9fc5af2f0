"""Product scope: what is described, decided by rule or by the model, or referred."""

import dagster as dg

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = []
