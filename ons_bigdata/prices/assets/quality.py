"""Quality assurance: what was collected, judged day by day, and the report on it."""

import dagster as dg

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = []
