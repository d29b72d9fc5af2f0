"""What must hold of the comparisons."""

from __future__ import annotations

import dagster as dg

CHECKS: list[dg.AssetChecksDefinition] = []
