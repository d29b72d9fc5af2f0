"""The specification under which the simulated operator delivers."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

from ons_bigdata.phones.schemas.specification import Specification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

PROVIDER = "sim-opal"
VINTAGE = "SIM1"
SUPPRESSED = "-1"


def agree(month: date, codes: Sequence[str], *, threshold: int, rounding_base: int) -> Specification:
    """Return the specification of a month for zones with these codes."""
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    return Specification.model_validate(
        {
            "title": "Flows of workers between the zones of the simulated world",
            "method_version": "sim-1",
            "period": {
                "first_day": month,
                "last_day": last,
                "time_zone": "Europe/London",
                "excluded_days": bank_holidays(month),
            },
            "devices": {
                "min_age_years": 18,
                "accounts": ["consumer", "business"],
                "tariffs": ["contract", "payg"],
                "includes_machines": False,
                "includes_roamers": False,
                "min_active_days": 10,
                "window_days": 28,
            },
            "dwell": {"max_day_minutes": 240, "max_night_minutes": 480, "max_speed_m_s": 55, "min_jump_m": 10_000},
            "home": {
                "from_hour": 20,
                "to_hour": 7,
                "min_events_per_night": 1,
                "min_nights": 6,
                "min_share": 0.35,
                "surroundings_share": 0.5,
                "ties": ["events", "smaller_code"],
            },
            "work": {
                "weekdays": [1, 2, 3, 4, 5],
                "from_hour": 9,
                "to_hour": 17,
                "min_dwell_hours": 3,
                "min_days_per_week": 1.4,
                "full_time_days_per_week": 3.2,
                "min_share": 0.25,
                "max_workplaces": 2,
                "at_home": "home_or_near_worker",
            },
            "shift_workers": {
                "core_from_hour": 0,
                "core_to_hour": 5,
                "evening_from_hour": 16,
                "evening_to_hour": 19,
                "min_swapped_nights": 4,
                "min_share": 0.16,
            },
            "students": {
                "min_education_share": 0.3,
                "min_share_aged_16_24": 0.1,
                "max_age_years": 23,
                "counted": "with_workers",
            },
            "duplicates": {
                "prior_share": 0.07,
                "mismatch_share": 0.2,
                "step_minutes": 30,
                "min_probability": 0.5,
                "counted": "both",
            },
            "zones": {"geography": "zone", "vintage": VINTAGE, "codes": list(codes), "allocation": "best_server"},
            "expansion": {"unit": "devices", "factors": "none", "margins": "none", "version": "none"},
            "disclosure": {
                "threshold": threshold,
                "suppresses_zeros": False,
                "rounding_base": rounding_base,
                "blank_means": "not_supplied",
                "markers": {SUPPRESSED: "suppressed"},
                "absent_pair_means": "not_supplied",
            },
        }
    )


def bank_holidays(month: date) -> list[date]:
    """Bank holidays of May, the first and the last Monday; none of other months."""
    if month.month != 5:
        return []
    mondays = [day for day in range(1, 32) if month.replace(day=day).isoweekday() == 1]
    return [month.replace(day=mondays[0]), month.replace(day=mondays[-1])]
