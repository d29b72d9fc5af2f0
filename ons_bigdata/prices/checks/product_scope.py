"""What must hold of the product scope and its model."""

from __future__ import annotations

import dagster as dg

CHECKS: list[dg.AssetChecksDefinition] = []
