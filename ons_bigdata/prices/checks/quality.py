"""What must hold of the quality assurance, and what it warns of."""

from __future__ import annotations

import dagster as dg

CHECKS: list[dg.AssetChecksDefinition] = []
