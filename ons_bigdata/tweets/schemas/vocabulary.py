"""Closed vocabularies and bounds that the frames of the tweets pilot share."""

from __future__ import annotations

from datetime import date

HEX_ID = r"^[0-9a-f]{16}$"

IDENTIFIER = r"^[a-z0-9_-]{1,64}$"
"""Pattern of the names of sources and of recipes."""

ORIGIN = "^(real|simulated)$"

FIRST_MONTH = date(2008, 1, 1)

ROBOT_RULES = ("volume", "constant_interval", "fixed_position", "client")
"""Rules by which a user is a robot, in the order in which they are tried."""

AREA_CODE = "^[ENSW][0-9]{8}$"
"""Pattern of the codes of areas of the United Kingdom (GSS codes)."""
