"""Closed vocabularies and bounds that the frames of the meters pilot share."""

from __future__ import annotations

HEX_ID = r"^[0-9a-f]{16}$"

IDENTIFIER = r"^[a-z0-9_-]{1,64}$"

ORIGIN = "^(real|simulated)$"

SIMULATED = "simulated_"
"""Beginning of the names of simulated files."""

FORMATS = ("cer", "lcl", "nem12", "nem13", "csv")
"""Formats of files of readings."""

CUSTOMERS = ("residential", "sme", "other")
"""Kinds of customers of the Irish trial; its codes are 1, 2 and 3."""

SURVEYS = ("pre_trial", "post_trial")

STATES = (
    *("ok", "missing_row", "null_token", "error_code", "off_grid", "duplicate_identical", "duplicate_conflict"),
    *("zero_run", "stuck", "negative", "outlier", "post_gap_accumulation", "estimated_flat", "estimated"),
)
"""State of an expected half hour, or of a row beyond it."""

HALF_HOURS = (46, 48, 50)
"""Half hours of a local day: spring change, usual, autumn change."""

MAX_KWH_HALF_HOUR = 50.0
"""Readings above it are impossible for a home's supply."""

SUSPICIONS = ("unit_error", "factor_of_ten", "bad_day", "repeated_first_hour")
"""Suspicions of a stretch of days."""
