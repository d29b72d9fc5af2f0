"""What must hold of the scrape runs: their manners, their pages, their freshness."""

from __future__ import annotations

import dagster as dg

CHECKS: list[dg.AssetChecksDefinition] = []
