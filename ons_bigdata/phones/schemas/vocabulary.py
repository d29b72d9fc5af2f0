"""Closed vocabularies and bounds that the frames of the phones pilot share."""

from __future__ import annotations

from typing import Final

LOAD_ID = r"^[0-9a-f]{16}$"
SPEC_ID = r"^[0-9a-f]{16}$"
KEY = r"^[a-z0-9_-]{1,64}$"
"""Pattern of the names of providers, geographies and versions of methods."""
ZONE_CODE = r"^[A-Za-z0-9_]{1,32}$"
VINTAGE = r"^[A-Za-z0-9_]{1,32}$"

SIMULATED = "simulated_"
"""Beginning of the names of simulated files."""

STATUSES: Final = ("observed", "suppressed", "rounded", "structural_zero", "not_supplied")
"""State of the number of a cell, or the reason why there is none."""
STATUS = "^(" + "|".join(STATUSES) + ")$"

CELL_KINDS: Final = ("pair", "origin_total", "destination_total", "total")
CELL_KIND = "^(" + "|".join(CELL_KINDS) + ")$"

SEGMENT = r"^[a-z0-9_+-]{1,64}$"
"""Group of devices: all, contract, payg, business, an age group, a sex, a mode."""
DAY_TYPE = r"^(all|weekday|saturday|sunday|holiday)$"

MOST_PERSONS = 1e9
"""Bound on every count."""

DESTINATION_KINDS: Final = (
    *("zone", "home", "offshore", "no_fixed_place", "outside_uk", "northern_ireland", "scotland"),
)
"""Kinds of destinations of a census table: an area, or a code without area."""
DESTINATION_KIND = "^(" + "|".join(DESTINATION_KINDS) + ")$"

HOME_COUNTRY_CODES: Final = (234, 235)
"""Mobile country codes of the United Kingdom; a card with another one is that of a visitor or roamer."""

DAY_TYPES: Final = ("weekday", "free_day")
"""Working days of a specification, and all other days."""
PURPOSES: Final = ("to_work", "to_home", "from_home", "other")
"""Purposes of a movement by its ends: into the zone of work, into that of the home, out of it, neither."""
DIRECTIONS: Final = ("inbound", "outbound", "domestic")
"""Visitors from abroad, own devices abroad, own devices away from their usual environment in the country."""
