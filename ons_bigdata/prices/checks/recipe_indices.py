"""What must hold of the indices by recipe: the axioms block, disagreement never does."""

from __future__ import annotations

import dagster as dg

CHECKS: list[dg.AssetChecksDefinition] = []
