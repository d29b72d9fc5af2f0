"""A specification for tests: ten zones, March 2021, suppression below 10."""

from __future__ import annotations

from typing import Any

from ons_bigdata.phones.schemas.specification import Specification

CODES = [f"E0200000{number}" for number in range(1, 5)]

DOCUMENT: dict[str, Any] = {
    "title": "Flows of workers between zones",
    "method_version": "v1",
    "period": {
        "first_day": "2021-03-01",
        "last_day": "2021-04-30",
        "time_zone": "Europe/London",
        "excluded_days": ["2021-04-05", "2021-04-02"],
    },
    "devices": {
        "min_age_years": 18,
        "accounts": ["consumer", "business"],
        "tariffs": ["payg", "contract"],
        "includes_machines": False,
        "includes_roamers": False,
        "min_active_days": 10,
        "window_days": 28,
    },
    "dwell": {"max_day_minutes": 120, "max_night_minutes": 480, "max_speed_m_s": 55, "min_jump_m": 10_000},
    "home": {
        "from_hour": 20,
        "to_hour": 7,
        "min_events_per_night": 1,
        "min_nights": 4,
        "min_share": 0.4,
        "surroundings_share": 0.5,
        "ties": ["events", "smaller_code"],
    },
    "work": {
        "weekdays": [1, 2, 3, 4, 5],
        "from_hour": 9,
        "to_hour": 17,
        "min_dwell_hours": 3,
        "min_days_per_week": 2,
        "full_time_days_per_week": 4,
        "min_share": 0.3,
        "max_workplaces": 2,
        "at_home": "home_or_near_worker",
    },
    "shift_workers": {
        "core_from_hour": 0,
        "core_to_hour": 5,
        "evening_from_hour": 18,
        "evening_to_hour": 21,
        "min_swapped_nights": 4,
        "min_share": 0.2,
    },
    "students": {
        "min_education_share": 0.5,
        "min_share_aged_16_24": 0.4,
        "max_age_years": 24,
        "counted": "apart",
    },
    "duplicates": {
        "prior_share": 0.1,
        "mismatch_share": 0.02,
        "step_minutes": 30,
        "min_probability": 0.5,
        "counted": "one",
    },
    "zones": {"geography": "msoa", "vintage": "MSOA11", "codes": CODES, "allocation": "best_server"},
    "expansion": {"unit": "devices", "factors": "none", "margins": "none", "version": "x1"},
    "disclosure": {
        "threshold": 10,
        "suppresses_zeros": False,
        "rounding_base": 5,
        "blank_means": "not_supplied",
        "markers": {"-1": "suppressed", "*": "suppressed", "NA": "not_supplied"},
        "absent_pair_means": "suppressed",
    },
}

SPEC = Specification.model_validate(DOCUMENT)


def changed(block: str, **fields: object) -> Specification:
    """Return the specification with other fields of a block."""
    return Specification.model_validate({**DOCUMENT, block: {**DOCUMENT[block], **fields}})
