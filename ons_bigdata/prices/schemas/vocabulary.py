"""Closed vocabularies and bounds that the frames of the prices pilot share."""

from __future__ import annotations

HIGHEST_PRICE_GBP = 10_000.0
"""Highest plausible supermarket price in GBP; readers quarantine rows above it."""

IDENTIFIER = r"^[a-z0-9_-]{1,64}$"
"""Pattern of closed vocabularies (retailer ids) and of partition keys."""

HEX_ID = r"^[0-9a-f]{16}$"

ORIGIN = "^(real|simulated)$"
