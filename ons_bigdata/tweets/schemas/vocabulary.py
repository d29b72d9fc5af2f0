"""Closed vocabularies and bounds that the frames of the tweets pilot share."""

from __future__ import annotations

from datetime import date

HEX_ID = r"^[0-9a-f]{16}$"

IDENTIFIER = r"^[a-z0-9_-]{1,64}$"
"""Pattern of the names of sources and of recipes."""

ORIGIN = "^(real|simulated)$"

SIMULATED = "simulated_"
"""Beginning of the names of simulated files."""

FIRST_MONTH = date(2008, 1, 1)

ROBOT_RULES = ("volume", "constant_interval", "fixed_position", "client")
"""Rules by which a user is a robot, in the order in which they are tried."""

GAP_REASONS = (
    *("closed", "dropped", "stalled", "unreachable", "http_error", "platform_disconnect"),
    *("rate_limited", "too_many_connections", "stopped", "killed"),
)
"""Why there is no connection to a stream."""

POST_KINDS = ("delete", "edit", "withheld", "drop", "undrop")
USER_KINDS = (
    *("user_delete", "user_undelete", "user_protect", "user_unprotect", "user_suspend", "user_unsuspend"),
    "user_withheld",
)
SCRUB_GEO = "scrub_geo"
"""Positions of a user's posts up to one go; here a post without position is no row, so that the whole line goes."""

COMPLIANCE_KINDS = (*POST_KINDS, *USER_KINDS, SCRUB_GEO)

ADDRESS_PRODUCTS = ("premium", "plus", "core", "addressbase", "open_uprn")
"""Products of addresses, the most detailed first: of several that have an address, the first one counts."""

POSTCODE_PRODUCTS = ("onspd", "code_point_open")
"""Products of postcodes, the first one counts."""

RECORDS = ("address", "property", "class", "delivery_point", "name")
"""Kinds of records: whole addresses, and the records 21, 32, 28 and 24 of AddressBase Premium."""

CLASS_CODE = r"^[A-Z]{1,2}([0-9]{2})?([A-Z]{2})?$"
"""Pattern of the codes of the AddressBase classification, such as R, RD, RD06, CE01HE."""

GSS_CODE = r"^[A-Z][0-9]{8}$"
"""Pattern of the codes of areas."""

POSTCODE = r"^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$"

GRID_EAST_M, GRID_NORTH_M = 700_000, 1_300_000
"""Eastern and northern end of the British National Grid in metres."""
