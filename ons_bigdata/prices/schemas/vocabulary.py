"""Closed vocabularies and bounds that the frames of the prices pilot share."""

from __future__ import annotations

HIGHEST_PRICE_GBP = 10_000.0
"""A supermarket price above this is not believed; the reader quarantines it."""

IDENTIFIER = r"^[a-z0-9_-]{1,64}$"
"""Closed vocabularies (retailer ids) and partition keys look like this."""

HEX_ID = r"^[0-9a-f]{16}$"

ORIGIN = "^(real|simulated)$"
